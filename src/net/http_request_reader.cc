#include "net/http_request_reader.h"

#include <algorithm>

#include <boost/beast/http/basic_parser.hpp>

#include "base/text.h"

namespace campanile::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

// The least that can follow where a chunk's header is due: "0", its end of line, the empty line.
constexpr size_t kLastChunkBytes = 5;

// How far ahead of the bytes that have arrived room is made for those that were announced.
constexpr size_t kBodyReserveBytes = 1 << 20;

std::string_view view(BeastView text) {
  return {text.data(), text.size()};
}

// "/a%20b?x=1" or "http://host/a?x=1" (RFC 9112 section 3.2.2) into path and query.
void split_target(std::string_view target, HttpRequest& request) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() > scheme.size() && equals_ignore_case(target.substr(0, scheme.size()), scheme)) {
      const size_t path = target.find_first_of("/?", scheme.size());
      target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
      break;
    }
  }
  target = target.substr(0, target.find('#'));
  const size_t question = target.find('?');
  request.path = percent_decode(target.substr(0, question));
  if (request.path.empty()) request.path = "/";
  if (question != std::string_view::npos) {
    request.query = target.substr(question + 1);
    request.parameters = parse_form(request.query);
  }
}

}  // namespace

class HttpRequestReader::Parser final : public http::basic_parser<true> {
 public:
  Parser(size_t header_bytes_max, size_t body_bytes_max)
      : header_bytes_max_(header_bytes_max), body_bytes_max_(body_bytes_max) {
    header_limit(static_cast<uint32_t>(std::min<size_t>(header_bytes_max, UINT32_MAX)));
    body_limit(body_bytes_max);
  }

  State feed(std::string_view bytes, size_t& used);

  HttpRequest request;
  std::string expect;
  int http_version = 11;
  int error_status = 0;
  std::string error_message;

 private:
  State failed(int status, std::string message) {
    error_status = status;
    error_message = std::move(message);
    return State::kFailed;
  }
  State failed(const error_code& error);
  State check_header();

  void on_request_impl(http::verb, BeastView method, BeastView target, int version, error_code&) override {
    http_version = version;
    request.method = view(method);
    split_target(view(target), request);
  }
  void on_field_impl(http::field name, BeastView name_text, BeastView value, error_code&) override {
    if (is_header_done()) return;  // a trailer: nothing here has a use for one
    if (name == http::field::host) ++hosts_;
    if (name == http::field::transfer_encoding) has_transfer_encoding_ = true;
    if (name == http::field::expect) expect = view(value);
    request.headers.emplace_back(view(name_text), view(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override {
    announced_ = length ? *length : 0;
    request.body.reserve(std::min<uint64_t>(announced_, kBodyReserveBytes));
  }
  size_t on_body_impl(BeastView piece, error_code&) override { return append(view(piece)); }
  void on_chunk_header_impl(uint64_t size, BeastView, error_code&) override { chunk_header_due_ = size == 0; }
  size_t on_chunk_body_impl(uint64_t rest, BeastView piece, error_code&) override {
    chunk_header_due_ = rest == piece.size();
    return append(view(piece));
  }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, BeastView, int, error_code&) override {}

  size_t append(std::string_view piece) {
    std::string& body = request.body;
    const size_t needed = body.size() + piece.size();
    if (needed > body.capacity()) {
      // Doubles, so that the whole is copied about once more at most, and ends at the announced size.
      const size_t doubled = std::max(needed, body.size() * 2);
      body.reserve(announced_ >= needed ? std::min<uint64_t>(doubled, announced_) : doubled);
    }
    body.append(piece);
    return piece.size();
  }

  const size_t header_bytes_max_;
  const size_t body_bytes_max_;
  size_t header_bytes_ = 0;
  uint64_t announced_ = 0;
  int hosts_ = 0;
  bool has_transfer_encoding_ = false;
  bool chunk_header_due_ = true;
};

HttpRequestReader::State HttpRequestReader::Parser::feed(std::string_view bytes, size_t& used) {
  if (!got_some()) {
    // An empty line before the request line is to be ignored (RFC 9112 section 2.2): some clients end a body with one.
    const size_t start = bytes.find_first_not_of("\r\n");
    if (start != 0) {
      const size_t skipped = std::min(start, bytes.size());
      used += skipped;
      header_bytes_ += skipped;
      if (header_bytes_ > 16) return failed(400, "expected a request line, got empty lines");
      return skipped == bytes.size() ? State::kNeedMore : State::kProgress;
    }
  }
  const bool header_was_done = is_header_done();
  // Beast 1.81 asserts that it has these at its second look at a last chunk, which a client can make it take with
  // fewer.
  if (header_was_done && chunked() && chunk_header_due_ && bytes.size() < kLastChunkBytes) return State::kNeedMore;
  error_code error;
  const size_t taken = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  used += taken;
  if (!header_was_done) {
    header_bytes_ += taken;
    if (header_bytes_ > header_bytes_max_) return failed(http::error::header_limit);
  }
  if (error == http::error::need_more) {
    // Chunk extensions and trailers have no limit of Beast's own.
    if (header_was_done && bytes.size() - taken > header_bytes_max_) {
      return failed(400, fmt::format("a chunk's header or trailer is over {} bytes", header_bytes_max_));
    }
    return State::kNeedMore;
  }
  if (error) return failed(error);
  if (!header_was_done && is_header_done()) {
    if (const State checked = check_header(); checked != State::kProgress) return checked;
    if (!is_done()) return State::kHeader;
  }
  return is_done() ? State::kComplete : State::kProgress;
}

HttpRequestReader::State HttpRequestReader::Parser::check_header() {
  if (hosts_ > 1 || (hosts_ == 0 && http_version == 11)) {
    return failed(400, "an HTTP/1.1 request has exactly one Host header");  // RFC 9112 section 3.2
  }
  if (has_transfer_encoding_ && !chunked()) {
    // The end of such a body cannot be found, and what follows it must not be taken for a request (RFC 9112
    // section 6.1).
    return failed(501, "the only transfer coding understood is chunked; compress with Content-Encoding");
  }
  if (!expect.empty() && !equals_ignore_case(expect, "100-continue")) {
    return failed(
        417, fmt::format("Expect: {} cannot be met; the only expectation understood is 100-continue", excerpt(expect)));
  }
  return State::kProgress;
}

HttpRequestReader::State HttpRequestReader::Parser::failed(const error_code& error) {
  if (error == http::error::header_limit) {
    return failed(431, fmt::format("the request's headers are over {} bytes", header_bytes_max_));
  }
  if (error == http::error::body_limit) {
    return failed(413, fmt::format("the request's body is over {} bytes: send it in smaller pieces", body_bytes_max_));
  }
  return failed(400, fmt::format("malformed HTTP request: {}", error.message()));
}

HttpRequestReader::HttpRequestReader(size_t header_bytes_max, size_t body_bytes_max)
    : parser_(std::make_unique<Parser>(header_bytes_max, body_bytes_max)) {}
HttpRequestReader::~HttpRequestReader() = default;
HttpRequestReader::HttpRequestReader(HttpRequestReader&&) noexcept = default;
HttpRequestReader& HttpRequestReader::operator=(HttpRequestReader&&) noexcept = default;

HttpRequestReader::State HttpRequestReader::feed(std::string_view bytes, size_t& used) {
  return parser_->feed(bytes, used);
}
bool HttpRequestReader::in_body() const {
  return parser_->is_header_done();
}
size_t HttpRequestReader::body_bytes() const {
  return parser_->request.body.size();
}
bool HttpRequestReader::expects_continue() const {
  return !parser_->expect.empty() && parser_->http_version == 11;
}
bool HttpRequestReader::keep_alive() const {
  return parser_->keep_alive();
}
bool HttpRequestReader::is_http_1_0() const {
  return parser_->http_version == 10;
}
int HttpRequestReader::error_status() const {
  return parser_->error_status;
}
const std::string& HttpRequestReader::error_message() const {
  return parser_->error_message;
}
HttpRequest HttpRequestReader::take_request() {
  return std::move(parser_->request);
}

}  // namespace campanile::net
