#include "app/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "app/config/load.h"

namespace campanile::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
  std::vector<ServeArguments> served;
};

Ran run(const std::vector<std::string>& arguments) {
  Ran ran;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ran.code = run_command_line(arguments, {.serve = [&](const ServeArguments& served) {
    ran.served.push_back(served);
    return 0;
  }});
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

// A name of this process's own, since several builds may test at the same time.
std::string scratch_file(std::string_view name) { return fmt::format("{}{}-{}", testing::TempDir(), ::getpid(), name); }

TEST(CommandLine, HelpIsEverywhereWithExamples) {
  for (const auto command : {"serve", "demo", "pub", "sub", "check-config", "completion", "bench", "backup", "verify", "restore"}) {
    const Ran ran = run({command, "--help"});
    EXPECT_EQ(ran.code, 0) << command;
    EXPECT_THAT(ran.out, HasSubstr("Example")) << command;
    EXPECT_THAT(ran.out, HasSubstr(fmt::format("campanile {}", command)));
    EXPECT_EQ(ran.err, "");
  }
  EXPECT_THAT(run({"--help"}).out, HasSubstr("Subcommands:"));
  EXPECT_EQ(run({"--help"}).code, 0);
}

TEST(CommandLine, HelpOfANestedCommandHasExamples) {
  const Ran ran = run({"bench", "mqtt", "--help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("campanile bench mqtt -h broker.lab"));
  EXPECT_THAT(bash_completion(), HasSubstr("--source-addresses"));
}

TEST(CommandLine, VersionIsPrinted) {
  EXPECT_THAT(run({"version"}).out, StartsWith("campanile 0."));
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
}

TEST(CommandLine, MistakesAreUsageErrors) {
  const Ran unknown = run({"srve"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("unknown command 'srve'; did you mean 'serve'?"));
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"serve", "--nonsense"}).code, 2);
  EXPECT_THAT(run({"serve", "--nonsense"}).err, HasSubstr("`campanile serve --help` tells more"));
  EXPECT_EQ(run({"serve", "--set", "threads"}).code, 2);
  EXPECT_EQ(run({"serve", "extra"}).code, 2);
  EXPECT_EQ(run({"--nonsense"}).code, 2);
  EXPECT_EQ(run({"completion", "fish"}).code, 2);
  EXPECT_EQ(run({"pub", "-t", "a"}).code, 1) << "as mosquitto_pub";
  EXPECT_EQ(run({"bench"}).code, 2);
  EXPECT_EQ(run({"bench", "mqtt", "--qos", "7"}).code, 2);
  EXPECT_THAT(run({"bench", "mqtt", "--nonsense"}).err, HasSubstr("`campanile bench mqtt --help` tells more"));
}

TEST(CommandLine, ServeGetsItsSettings) {
  const Ran ran = run({"serve", "--http", "127.0.0.1:0", "--mqtt=127.0.0.1:7", "--data", "/tmp/x y", "--set", "threads=3", "--set", "log.level=debug"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  ASSERT_EQ(ran.served.size(), 1u);
  const ServeArguments& served = ran.served[0];
  EXPECT_EQ(served.config.http.listen.port, 0);
  EXPECT_EQ(served.config.mqtt.listen.port, 7);
  EXPECT_EQ(served.data_directory, "/tmp/x y");
  EXPECT_EQ(served.config.threads, 3u);
  EXPECT_EQ(served.config.log.level, log::Level::kDebug);
  EXPECT_FALSE(served.demo);
  EXPECT_EQ(run({"serve"}).served.at(0).data_directory, "campanile-data");
}

TEST(CommandLine, ADemonstrationUsesAScratchDirectoryUnlessTold) {
  const Ran ran = run({"demo", "--seed", "7"});
  ASSERT_EQ(ran.served.size(), 1u) << ran.err;
  EXPECT_TRUE(ran.served[0].demo);
  EXPECT_EQ(ran.served[0].demo_seed, 7u);
  EXPECT_EQ(ran.served[0].data_directory, "");
  EXPECT_EQ(run({"demo", "--data", "campanile-data"}).served.at(0).data_directory, "campanile-data");
}

TEST(CommandLine, ServeRefusesAnOpenDoorUnlessItIsInsistedOn) {
  const Ran refused = run({"serve", "--http", "0.0.0.0:8086"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(refused.served.empty());
  EXPECT_THAT(refused.err, HasSubstr("http.listen is 0.0.0.0:8086"));
  EXPECT_EQ(run({"serve", "--http", "0.0.0.0:8086", "--insist-open"}).served.size(), 1u);
}

TEST(CommandLine, ConfigurationMistakesStopServe) {
  const Ran ran = run({"serve", "--http", "nowhere", "--set", "http.lisen=1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(ran.served.empty());
  EXPECT_THAT(ran.err, HasSubstr("--http: found 'nowhere'"));
  EXPECT_THAT(ran.err, HasSubstr("did you mean 'http.listen'?"));
}

TEST(CommandLine, CheckConfigTellsWhatIsWrong) {
  const std::string path = scratch_file("command-line.yaml");
  std::ofstream(path) << "http:\n  lisen: 127.0.0.1:1\n";
  const Ran wrong = run({"check-config", path});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_EQ(wrong.err, path + ":2:3: unknown key 'lisen' in http; did you mean 'listen'?\n");
  std::ofstream(path) << "http:\n  listen: 127.0.0.1:1\n";
  EXPECT_EQ(run({"check-config", path}).out, path + ": fine\n");
  EXPECT_EQ(run({"check-config", "--config", path}).code, 0);
  EXPECT_THAT(run({"check-config", "--print", path}).out, HasSubstr("listen: 127.0.0.1:1\n"));
  std::ofstream(path) << "http:\n  listen: 0.0.0.0:1\n";
  EXPECT_EQ(run({"check-config", path}).code, 1);
  EXPECT_EQ(run({"check-config", path, "--insist-open"}).code, 0);
}

TEST(CommandLine, TheDefaultsCheckAsAFile) {
  const std::string path = scratch_file("defaults.yaml");
  const Ran defaults = run({"check-config", "--defaults"});
  EXPECT_EQ(defaults.code, 0);
  std::ofstream(path) << defaults.out;
  EXPECT_EQ(run({"check-config", path}).out, path + ": fine\n");
}

TEST(CommandLine, TheEnvironmentNamesTheFile) {
  const std::string path = scratch_file("environment.yaml");
  std::ofstream(path) << "threads: 5\n";
  ::setenv("CAMPANILE_CONFIG", path.c_str(), 1);
  const Ran ran = run({"serve"});
  ::unsetenv("CAMPANILE_CONFIG");
  ASSERT_EQ(ran.served.size(), 1u) << ran.err;
  EXPECT_EQ(ran.served[0].config.threads, 5u);
}

TEST(CommandLine, CompletionKnowsCommandsAndFlags) {
  const std::string script = run({"completion", "bash"}).out;
  for (const auto word : {"serve", "demo", "pub", "sub", "check-config", "--insist-open", "--will-topic", "-W", "--defaults", "bash"}) {
    EXPECT_THAT(script, HasSubstr(word));
  }
  const std::string path = scratch_file("completion.sh");
  // What bash makes of it: `campanile se<TAB>` and `campanile serve --ht<TAB>`.
  std::ofstream(path) << script
                      << "COMP_WORDS=(campanile se); COMP_CWORD=1; _campanile; echo \"${COMPREPLY[@]}\"\n"
                         "COMP_WORDS=(campanile serve --ht); COMP_CWORD=2; _campanile; echo \"${COMPREPLY[@]}\"\n"
                         "COMP_WORDS=(campanile sub --reta); COMP_CWORD=2; _campanile; echo \"${COMPREPLY[@]}\"\n";
  FILE* pipe = ::popen(("bash " + path).c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  char text[256];
  const size_t size = std::fread(text, 1, sizeof text, pipe);
  ::pclose(pipe);
  EXPECT_EQ(std::string(text, size), "serve\n--http\n--retained-only\n");
}

}  // namespace
}  // namespace campanile::app
