#include "app/config/print.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "app/config/load.h"
#include "app/config/settings.h"

namespace campanile::app {
namespace {

TEST(Print, TheDefaultsReadBackAsThemselves) {
  const std::string printed = print_config(Config{});
  const auto config = parse_config(printed, "defaults");
  ASSERT_TRUE(config) << config.error().message << "\n" << printed;
  EXPECT_EQ(print_config(*config), printed);
}

TEST(Print, AConfigurationReadsBackAsItself) {
  Config config;
  config.data.directory = "/var/lib/campanile data";
  config.http.listen = {"::1", 0};
  config.http.body_bytes_max = 1'234'567;
  config.storage.sync = SyncMode::kEvery;
  config.ingest.routes = {{.pattern = "a/{b}/#", .tags = {{"k", "v: \"x\"\n\\."}, {"yes", "no"}}}, {.pattern = "#", .skip = true}};
  config.places = {{.place = "{a}/{b|=c}", .skipped_fields = {"x", "y, z"}}};
  config.auth.users = {{.name = "é", .password_file = "/p"}};
  const std::string printed = print_config(config);
  const auto read = parse_config(printed, "printed");
  ASSERT_TRUE(read) << read.error().message << "\n" << printed;
  EXPECT_EQ(print_config(*read), printed);
  EXPECT_EQ(read->ingest.routes[0].tags, config.ingest.routes[0].tags);
  EXPECT_EQ(read->http.body_bytes_max, 1'234'567u);
  EXPECT_EQ(read->data.directory, config.data.directory);
}

TEST(Print, EachSettingHasACommentAboveIt) {
  Config config;
  const std::string printed = print_config(config);
  for (const Setting& setting : settings_of(config)) {
    const size_t dot = setting.path.find('.');
    const std::string key = fmt::format("{}{}:", dot == std::string_view::npos ? "\n" : "\n  ", setting.path.substr(dot + 1));
    EXPECT_NE(printed.find(key), std::string::npos) << setting.path;
    EXPECT_NE(printed.find(fmt::format("# {}", setting.comment)), std::string::npos) << setting.path;
  }
}

TEST(Print, SecretsStayHidden) {
  Config config;
  config.auth.user = "a";
  config.auth.password = "hunter2";
  config.auth.users = {{.name = "b", .password = "hunter2"}};
  const std::string printed = print_config(config);
  EXPECT_EQ(printed.find("hunter2"), std::string::npos);
  EXPECT_NE(printed.find("password: \"***\""), std::string::npos);
}

TEST(Print, TheExamplesOfListsAreValid) {
  Config config;
  for (const Setting& setting : settings_of(config)) {
    if (setting.kind != Kind::kRecords) continue;
    const size_t dot = setting.path.find('.');
    std::string yaml = dot == std::string_view::npos ? fmt::format("{}:\n", setting.path)
                                                     : fmt::format("{}:\n {}:\n", setting.path.substr(0, dot), setting.path.substr(dot + 1));
    yaml += setting.example;
    // The example stands one level deeper than its key.
    for (size_t at = yaml.find("\n-"); at != std::string::npos; at = yaml.find("\n-", at + 1)) yaml.insert(at + 1, "  ");
    for (size_t at = yaml.find("\n  ", yaml.find("- ")); at != std::string::npos; at = yaml.find("\n  ", at + 3)) {
      if (yaml.compare(at + 3, 2, "- ") != 0) yaml.insert(at + 1, "  ");
    }
    const auto parsed = parse_config(yaml, setting.path);
    EXPECT_TRUE(parsed) << parsed.error().message << "\n" << yaml;
  }
}

// The guide's table is the output of settings_markdown(): `campanile check-config --markdown` prints it.
TEST(Print, TheGuideHoldsEverySetting) {
  std::ifstream in("../docs/guides/configuration.md");
  const std::string guide((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(guide.empty());
  Config config;
  for (const Setting& setting : settings_of(config)) {
    EXPECT_NE(guide.find(fmt::format("| `{}` |", setting.path)), std::string::npos) << setting.path << " is not in docs/guides/configuration.md";
  }
  EXPECT_NE(guide.find(settings_markdown()), std::string::npos)
      << "docs/guides/configuration.md differs from the program; replace its tables with the output of: campanile check-config --markdown";
}

}  // namespace
}  // namespace campanile::app
