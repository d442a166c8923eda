#include "app/config/load.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "app/config/settings.h"
#include "app/config/yaml_reader.h"
#include "base/text.h"

extern char** environ;

namespace campanile::app {
namespace {

constexpr std::string_view kPrefix = "CAMPANILE_";
// Names the configuration file itself, so it is no setting.
constexpr std::string_view kConfigVariable = "CAMPANILE_CONFIG";
constexpr size_t kSecretBytesMax = 64 * kKiB;

Result<std::string> read_file(const std::filesystem::path& path, size_t bytes_max) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return fail(ErrorCode::kIoError, "{} is a directory, wanted a file", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const int cause = errno;
    return fail(cause == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIoError, "{}: {}", path.string(), std::strerror(cause));
  }
  std::string bytes(bytes_max + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(in.gcount()));
  if (in.bad()) return fail(ErrorCode::kIoError, "{}: cannot be read", path.string());
  if (bytes.size() > bytes_max) return fail(ErrorCode::kTooLarge, "{} is larger than {} bytes", path.string(), bytes_max);
  return bytes;
}

// The text that a secret's file holds: editors and `echo` leave a line end that is no part of it.
Result<std::string> read_secret(const std::filesystem::path& path) {
  std::string text = TRY(read_file(path, kSecretBytesMax));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

// Collects mistakes, so that one start tells them all.
class Mistakes {
 public:
  void add(std::string line) { lines_.push_back(std::move(line)); }
  Result<void> result() const {
    if (lines_.empty()) return {};
    return fail(ErrorCode::kInvalidArgument, "{}", fmt::join(lines_, "\n"));
  }

 private:
  std::vector<std::string> lines_;
};

void add_problems(const std::vector<Problem>& problems, std::string_view name, Mistakes& mistakes) {
  for (const Problem& problem : problems) {
    if (problem.line == 0) {
      mistakes.add(fmt::format("{}: {}", name, problem.message));
    } else {
      mistakes.add(fmt::format("{}:{}:{}: {}", name, problem.line, problem.column, problem.message));
    }
  }
}

void apply_environment(const ConfigSources& sources, Config& config, Mistakes& mistakes, std::vector<std::string>& warnings) {
  const std::vector<Setting> settings = settings_of(config);
  std::vector<std::string> names;
  for (const Setting& setting : settings) {
    if (is_scalar(setting)) names.push_back(environment_name(setting.path));
  }
  for (const auto& [name, value] : sources.environment) {
    if (!name.starts_with(kPrefix) || name == kConfigVariable || value.empty()) continue;
    const bool from_file = name.ends_with("_FILE");
    const std::string_view wanted = std::string_view(name).substr(0, name.size() - (from_file ? 5 : 0));
    const auto setting = std::find_if(settings.begin(), settings.end(), [&](const Setting& s) {
      return is_scalar(s) && environment_name(s.path) == wanted;
    });
    if (setting == settings.end()) {
      const std::vector<std::string_view> known(names.begin(), names.end());
      const auto closest = closest_match(name, known);
      warnings.push_back(fmt::format("the environment variable {} is no setting and has no effect{}", name,
                                     closest ? fmt::format("; did you mean {}?", *closest) : ""));
      continue;
    }
    Result<std::string> text = from_file ? read_secret(value) : Result<std::string>(value);
    const Result<void> assigned = text ? assign(*setting, *text) : Result<void>(std::unexpected(text.error()));
    if (!assigned) mistakes.add(fmt::format("{} in the environment: {}", name, assigned.error().message));
  }
}

void apply_overrides(const ConfigSources& sources, Config& config, Mistakes& mistakes) {
  const std::vector<Setting> settings = settings_of(config);
  std::vector<std::string_view> paths;
  for (const Setting& setting : settings) {
    if (is_scalar(setting)) paths.push_back(setting.path);
  }
  for (const Override& override : sources.overrides) {
    const Setting* setting = find_setting(settings, override.path);
    if (!setting || !is_scalar(*setting)) {
      const auto closest = closest_match(override.path, paths);
      mistakes.add(setting ? fmt::format("{}: {} is a list; it can be given in the configuration file only", override.flag, override.path)
                           : fmt::format("{}: unknown setting '{}'{}", override.flag, excerpt(override.path),
                                         closest ? fmt::format("; did you mean '{}'?", *closest) : ""));
      continue;
    }
    const Result<void> assigned = assign(*setting, override.value);
    if (!assigned) mistakes.add(fmt::format("{}: {}", override.flag, assigned.error().message));
  }
}

// Reads what the values name, and joins the two ways of naming an account.
void finish(const ConfigSources& sources, Config& config, Mistakes& mistakes) {
  const auto base = sources.file ? sources.file->parent_path() : std::filesystem::path();
  for (UserConfig& user : config.auth.users) {
    if (user.password_file.empty()) continue;
    Result<std::string> password = read_secret(base / user.password_file);
    if (!password) {
      mistakes.add(fmt::format("the password of '{}' in auth.users: {}", user.name, password.error().message));
    } else if (password->empty()) {
      mistakes.add(fmt::format("the password of '{}' in auth.users: {} is empty", user.name, user.password_file));
    } else {
      user.password = *std::move(password);
    }
  }
  for (BridgeConfig& bridge : config.bridges) {
    for (std::string* path : {&bridge.tls_ca_file, &bridge.tls_certificate_file, &bridge.tls_key_file}) {
      if (!path->empty()) *path = (base / *path).string();
    }
    if (bridge.password_file.empty()) continue;
    Result<std::string> password = read_secret(base / bridge.password_file);
    if (password) {
      bridge.password = *std::move(password);
    } else {
      mistakes.add(fmt::format("the password of bridge '{}': {}", bridge.name, password.error().message));
    }
  }
  AuthConfig& auth = config.auth;
  if (auth.user.empty() != auth.password.empty()) {
    mistakes.add(fmt::format("auth.{} is given without auth.{}; an account needs both", auth.user.empty() ? "password" : "user",
                             auth.user.empty() ? "user" : "password"));
  } else if (!auth.user.empty()) {
    std::erase_if(auth.users, [&](const UserConfig& user) { return user.name == auth.user; });
    auth.users.push_back({.name = auth.user, .password = auth.password});
  }
  if (auth.anonymous == AnonymousMode::kNone && auth.users.empty()) {
    mistakes.add("auth.anonymous is none and there is no account: nobody could come in; add one to auth.users");
  }
  for (ListenerConfig& listener : config.mqtt.listeners) {
    if (listener.protocol == ListenerProtocol::kUnix) listener.listen = base / listener.listen;
    for (std::string* path : {&listener.certificate, &listener.key, &listener.client_ca, &listener.client_crl}) {
      if (!path->empty()) *path = base / *path;
    }
    const bool named = (listener.accounts && !auth.users.empty()) || listener.client_certificate != ClientCertificateMode::kNone;
    if (!named && anonymous_at(listener, auth) == ListenerAnonymous::kNone) {
      mistakes.add(fmt::format("mqtt.listeners: '{}' lets in nobody without a name and knows no names: nobody could come in; add an account to "
                               "auth.users, or ask for client certificates", listener.name));
    }
  }
}

}  // namespace

std::string environment_name(std::string_view path) {
  std::string name(kPrefix);
  for (const char c : path) name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> out;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (!text.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<Config> parse_config(std::string_view yaml, std::string_view name) {
  Config config;
  Mistakes mistakes;
  add_problems(read_yaml(yaml, config), name, mistakes);
  TRY(mistakes.result());
  return config;
}

Result<LoadedConfig> load_config(const ConfigSources& sources) {
  LoadedConfig loaded{.config = sources.base, .warnings = {}};
  Mistakes mistakes;
  if (sources.file) {
    Result<std::string> text = read_file(*sources.file, kConfigBytesMax);
    if (!text) return with_context(std::move(text.error()), "the configuration file cannot be read");
    add_problems(read_yaml(*text, loaded.config), sources.file->string(), mistakes);
  }
  apply_environment(sources, loaded.config, mistakes, loaded.warnings);
  apply_overrides(sources, loaded.config, mistakes);
  TRY(mistakes.result());
  finish(sources, loaded.config, mistakes);
  TRY(mistakes.result());
  return loaded;
}

}  // namespace campanile::app
