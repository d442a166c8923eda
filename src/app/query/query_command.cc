#include "app/query/query_command.h"

#include <cstdio>
#include <iostream>
#include <iterator>

#include <sys/ioctl.h>
#include <unistd.h>

#include "app/client/http_call.h"
#include "app/query/answer.h"
#include "app/query/chart.h"
#include "app/query/table.h"
#include "base/text.h"

namespace campanile::app {
namespace {

constexpr size_t kAnswerBytesMax = 512u << 20;
constexpr size_t kChartHeight = 12;

// A query may take as long as the server lets it.
constexpr auto kPatience = std::chrono::hours(1);

void append_parameter(std::string& form, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!form.empty()) form += '&';
  form += fmt::format("{}=", name);
  for (const char c : value) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    form += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
}

size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::string draw(const std::vector<AnsweredSeries>& answer, QueryForm form) {
  std::string out;
  for (const AnsweredSeries& series : answer) {
    if (!out.empty() && form != QueryForm::kSparkline) out += '\n';
    switch (form) {
      case QueryForm::kSparkline: out += draw_sparklines(series, terminal_width()); break;
      case QueryForm::kChart: out += draw_chart(series, terminal_width(), kChartHeight); break;
      default: out += draw_table(series); break;
    }
  }
  return out;
}

Result<std::string> ask(const QueryArguments& arguments) {
  const HttpServer server = TRY(local_server(arguments.config, arguments.user));
  std::string text = arguments.text;
  if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  HttpCall call{.method = "POST", .target = "/query", .content_type = "application/x-www-form-urlencoded", .patience = kPatience, .answer_bytes_max = kAnswerBytesMax};
  append_parameter(call.body, "q", text);
  append_parameter(call.body, "db", arguments.database);
  if (!arguments.uses_tiers) append_parameter(call.body, "tiers", "off");
  append_parameter(call.body, "rp", arguments.retention_policy);
  if (arguments.form == QueryForm::kJson) append_parameter(call.body, "pretty", "true");
  if (arguments.form == QueryForm::kCsv) call.accept = "application/csv";
  const HttpAnswer answer = TRY(http_call(server, call));
  if (answer.status == 401) return fail(ErrorCode::kUnauthenticated, "the server at {} wants an account: name one with --user, and the file with its password with --config", server.server.to_string());
  if (arguments.form == QueryForm::kCsv && answer.status == 200) return answer.body;
  std::vector<AnsweredSeries> series = TRY(parse_query_answer(answer.body));
  if (arguments.form == QueryForm::kJson) return answer.body;
  std::string drawn = draw(series, arguments.form);
  const bool draws = arguments.form == QueryForm::kSparkline || arguments.form == QueryForm::kChart;
  if (draws && drawn.empty() && !series.empty()) return fail(ErrorCode::kInvalidArgument, "the answer has no column of numbers to draw");
  return drawn;
}

}  // namespace

int query_command(const QueryArguments& arguments) {
  const Result<std::string> shown = ask(arguments);
  if (!shown) {
    std::fprintf(stderr, "campanile: %s\n", shown.error().message.c_str());
    return 1;
  }
  std::fwrite(shown->data(), 1, shown->size(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace campanile::app
