#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "net/tcp.h"
#include "raw_client.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

std::string pem_of(const std::function<void(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

// A self-signed certificate for localhost, made here and now, and its key.
struct Identity {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  std::string certificate_pem;
  std::string key_pem;

  explicit Identity(const char* names, long valid_s = 3600) {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_s);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("campanile test"), -1,
                               -1, 0);
    X509_set_issuer_name(certificate, name);
    for (const auto& [id, value] :
         {std::pair{NID_subject_alt_name, names}, {NID_basic_constraints, "critical,CA:TRUE"}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
      X509_add_ext(certificate, extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(certificate, key, EVP_sha256());
    certificate_pem = pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
    key_pem = pem_of([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  }
  ~Identity() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
};

// A blocking TLS echo server for one connection at a time, on OpenSSL alone.
class TlsEchoServer {
 public:
  explicit TlsEchoServer(const Identity& identity, const Identity* client_ca = nullptr)
      : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_, identity.certificate);
    SSL_CTX_use_PrivateKey(context_, identity.key);
    if (client_ca) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), client_ca->certificate);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 16);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsEchoServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    SSL_CTX_free(context_);
  }
  uint16_t port() const { return port_; }

 private:
  void serve() {
    for (;;) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      timeval patience{kPatience.count(), 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      SSL* tls = SSL_new(context_);
      SSL_set_fd(tls, fd);
      if (SSL_accept(tls) == 1) {
        char bytes[16 * 1024];
        int got = 0;
        while ((got = SSL_read(tls, bytes, sizeof bytes)) > 0) {
          if (SSL_write(tls, bytes, got) <= 0) break;
        }
        SSL_shutdown(tls);
      }
      ERR_clear_error();
      SSL_free(tls);
      close(fd);
    }
  }

  SSL_CTX* context_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::thread thread_;
};

// Sends `text` when open, closes when as much has come back, and reports why the connection ended.
class Exchange final : public TcpHandler {
 public:
  Exchange(std::promise<std::string> reason, std::string text, std::string* got)
      : reason_(std::move(reason)), text_(std::move(text)), got_(got) {}
  void on_open(TcpConnection& connection) override { connection.send(text_); }
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    got_->append(bytes);
    if (got_->size() >= text_.size()) connection.close();
    return bytes.size();
  }
  void on_closed(TcpConnection&, std::string_view reason) override { reason_.set_value(std::string(reason)); }

 private:
  std::promise<std::string> reason_;
  const std::string text_;
  std::string* const got_;
};

class TlsConnectTest : public testing::Test {
 protected:
  TlsConnectTest() : loops_(1) {
    loops_.start();
    char folder[] = "/tmp/campanile_tls_XXXXXX";
    folder_ = mkdtemp(folder);
  }
  ~TlsConnectTest() override {
    loops_.stop();
    std::filesystem::remove_all(folder_);
  }
  std::string file(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }
  std::string exchange(uint16_t port, const TlsClientOptions& tls, const std::string& text = "hello",
                       const char* host = "localhost") {
    got_.clear();
    std::promise<std::string> reason;
    auto future = reason.get_future();
    tcp_connect(loops_, loops_.at(0), {.address = {host, port}, .tls = tls},
                std::make_unique<Exchange>(std::move(reason), text, &got_));
    return future.wait_for(kPatience) == std::future_status::ready ? future.get() : "nothing happened";
  }

  EventLoopPool loops_;
  std::filesystem::path folder_;
  std::string got_;
};

TEST_F(TlsConnectTest, TrustsTheCaItIsGiven) {
  const Identity identity("DNS:localhost,IP:127.0.0.1");
  TlsEchoServer server(identity);
  const std::string ca = file("ca.pem", identity.certificate_pem);
  EXPECT_EQ(exchange(server.port(), {.ca_file = ca}), "closed by this side");
  EXPECT_EQ(got_, "hello");
  EXPECT_EQ(exchange(server.port(), {.ca_file = ca}, "hello", "127.0.0.1"), "closed by this side");
  EXPECT_EQ(got_, "hello");
}

TEST_F(TlsConnectTest, CarriesMuch) {
  const Identity identity("DNS:localhost");
  TlsEchoServer server(identity);
  std::string text(4 << 20, 'x');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 + i / 1000);
  EXPECT_EQ(exchange(server.port(), {.ca_file = file("ca.pem", identity.certificate_pem)}, text),
            "closed by this side");
  EXPECT_TRUE(got_ == text);
}

TEST_F(TlsConnectTest, SaysWhyACertificateIsRefused) {
  const Identity identity("DNS:elsewhere.example.org");
  TlsEchoServer server(identity);
  const std::string self_signed = exchange(server.port(), {});
  EXPECT_THAT(self_signed,
              HasSubstr(fmt::format("connecting to localhost:{}: certificate verify failed: self-signed certificate",
                                    server.port())));
  EXPECT_THAT(self_signed, HasSubstr("give its CA with --cafile"));

  const std::string ca = file("ca.pem", identity.certificate_pem);
  EXPECT_THAT(exchange(server.port(), {.ca_file = ca}), HasSubstr("it is not for localhost"));
  EXPECT_THAT(exchange(server.port(), {.ca_file = ca}, "hello", "127.0.0.1"), HasSubstr("it is not for 127.0.0.1"));
  EXPECT_EQ(exchange(server.port(), {.ca_file = ca, .verify_host = false}), "closed by this side");
  EXPECT_EQ(exchange(server.port(), {.verify_chain = false}), "closed by this side");
  EXPECT_EQ(got_, "hello");
}

TEST_F(TlsConnectTest, RefusesAnExpiredCertificate) {
  const Identity identity("DNS:localhost", -60);
  TlsEchoServer server(identity);
  EXPECT_THAT(exchange(server.port(), {.ca_file = file("ca.pem", identity.certificate_pem)}), HasSubstr("expired"));
}

TEST_F(TlsConnectTest, ShowsItsOwnCertificateWhereAsked) {
  const Identity identity("DNS:localhost");
  const Identity client("DNS:client");
  TlsEchoServer server(identity, &client);
  const std::string ca = file("ca.pem", identity.certificate_pem);
  EXPECT_EQ(exchange(server.port(), {.ca_file = ca,
                                     .certificate_file = file("client.pem", client.certificate_pem),
                                     .key_file = file("client.key", client.key_pem)}),
            "closed by this side");
  EXPECT_EQ(exchange(server.port(),
                     {.ca_file = ca, .certificate_file = file("both.pem", client.certificate_pem + client.key_pem)}),
            "closed by this side");
  EXPECT_NE(exchange(server.port(), {.ca_file = ca}), "closed by this side");
  EXPECT_EQ(got_, "");
}

TEST_F(TlsConnectTest, NamesFilesItCannotRead) {
  EXPECT_THAT(exchange(1, {.ca_file = "/nowhere/ca.pem"}), HasSubstr("reading CA file /nowhere/ca.pem: "));
  EXPECT_THAT(exchange(1, {.certificate_file = "/nowhere/c.pem"}),
              HasSubstr("reading certificate file /nowhere/c.pem: "));
  EXPECT_THAT(
      exchange(1, {.certificate_file = file("c.pem", Identity("DNS:x").certificate_pem), .key_file = "/nowhere/k.pem"}),
      HasSubstr("reading key file /nowhere/k.pem: "));
}

TEST_F(TlsConnectTest, RecognisesAPortWithoutTls) {
  class Talker final : public TcpHandler {
    void on_open(TcpConnection& connection) override { connection.send("220 hello, this is not TLS\r\n"); }
    size_t on_bytes(TcpConnection&, std::string_view bytes) override { return bytes.size(); }
  };
  auto listener =
      TcpListener::listen(loops_, {"127.0.0.1", 0}, {}, [](EventLoop&) { return std::make_unique<Talker>(); });
  ASSERT_TRUE(listener);
  EXPECT_THAT(exchange((*listener)->address().port, {}, "hello", "127.0.0.1"), HasSubstr("does not speak TLS"));
}

}  // namespace
}  // namespace campanile::net
