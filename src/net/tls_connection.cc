#include "net/tls_connection.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace campanile::net {
namespace {

constexpr size_t kRecordBytesMax = 16 * 1024;
constexpr size_t kPieceBytes = 32 * 1024;

// Where records are decrypted to. One a thread will do: a handler that is being told never gets other bytes meanwhile.
std::span<char> plain_space() {
  thread_local std::vector<char> space(kPieceBytes + kRecordBytesMax);
  return space;
}

TlsConnection& connection_of(BIO* bio) { return *static_cast<TlsConnection*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* space, size_t space_bytes, size_t* got) {
  BIO_clear_retry_flags(bio);
  *got = connection_of(bio).read_wrapped(space, space_bytes);
  if (*got > 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

int bio_write(BIO* bio, const char* bytes, size_t count, size_t* taken) {
  BIO_clear_retry_flags(bio);
  connection_of(bio).write_wrapped({bytes, count});
  *taken = count;
  return 1;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "campanile connection");
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

}  // namespace

TlsConnection::TlsConnection(LayerOptions options, std::shared_ptr<TlsServer> server)
    : LayeredConnection(std::move(options)), server_(std::move(server)) {}

TlsConnection::~TlsConnection() { SSL_free(tls_); }

void TlsConnection::start() {
  const auto context = server_->context();
  tls_ = SSL_new(context.get());
  BIO* bio = tls_ ? BIO_new(bio_method()) : nullptr;
  if (!bio) {
    ERR_clear_error();
    return fail("out of memory");
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls_, bio, bio);
  SSL_set_accept_state(tls_);
}

size_t TlsConnection::read_wrapped(char* space, size_t space_bytes) {
  const size_t count = std::min(space_bytes, wrapped_.size());
  std::memcpy(space, wrapped_.data(), count);
  wrapped_.remove_prefix(count);
  return count;
}

size_t TlsConnection::take(std::string_view bytes) {
  wrapped_ = bytes;
  if (is_open() || shake_hands()) decrypt();
  const size_t left = wrapped_.size();
  wrapped_ = {};
  return bytes.size() - left;
}

bool TlsConnection::shake_hands() {
  ERR_clear_error();
  const int done = SSL_do_handshake(tls_);
  if (done == 1) {
    certificate_name_ = certificate_name_of(tls_, server_->options().certificate_name);
    open_above();
    return true;
  }
  const int cause = SSL_get_error(tls_, done);
  if (cause != SSL_ERROR_WANT_READ) fail(handshake_problem(cause));
  return false;
}

std::string TlsConnection::handshake_problem(int cause) const {
  const unsigned long code = ERR_peek_error();
  const long verdict = SSL_get_verify_result(tls_);
  std::string words;
  if (verdict != X509_V_OK) {
    words = fmt::format("the client's certificate is refused: {}", X509_verify_cert_error_string(verdict));
  } else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
             (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER || ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST)) {
    words = "the client does not speak TLS";
  } else {
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    words = reason ? reason : fmt::format("OpenSSL's error {}", cause);
  }
  ERR_clear_error();
  return words;
}

void TlsConnection::decrypt() {
  const std::span<char> space = plain_space();
  int cause = SSL_ERROR_NONE;
  while (cause == SSL_ERROR_NONE && may_read()) {
    size_t size = 0;
    // A whole record always has room, so that OpenSSL never holds decrypted bytes back.
    while (cause == SSL_ERROR_NONE && size < kPieceBytes) {
      ERR_clear_error();
      size_t got = 0;
      const int done = SSL_read_ex(tls_, space.data() + size, kRecordBytesMax, &got);
      size += got;
      if (done != 1) cause = SSL_get_error(tls_, done);
    }
    deliver({space.data(), size});
  }
  if (cause == SSL_ERROR_ZERO_RETURN) {
    peer_finished();
  } else if (cause != SSL_ERROR_NONE && cause != SSL_ERROR_WANT_READ) {
    const char* words = ERR_reason_error_string(ERR_peek_error());
    fail(fmt::format("TLS failed: {}", words ? words : "the stream is broken"));
  }
  ERR_clear_error();
}

void TlsConnection::send(std::string_view bytes) {
  if (!is_open() || bytes.empty()) return;
  ERR_clear_error();
  size_t taken = 0;
  if (SSL_write_ex(tls_, bytes.data(), bytes.size(), &taken) == 1) return;
  ERR_clear_error();
  abort();
}

void TlsConnection::say_goodbye() {
  ERR_clear_error();
  if (tls_ && SSL_is_init_finished(tls_)) SSL_shutdown(tls_);
  ERR_clear_error();
}

}  // namespace campanile::net
