#include "net/tls_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>

#include "net/certified_peer.h"
#include "net/transport.h"
#include "raw_client.h"
#include "test_ca.h"

namespace campanile::net {
namespace {

using testing::HasSubstr;

// Answers with who it thinks the client is, then echoes.
class Greeter final : public TcpHandler {
 public:
  explicit Greeter(std::atomic<int>& open) : open_(open) {}
  void on_open(TcpConnection& connection) override {
    ++open_;
    connection.send(fmt::format("<{}>", dynamic_cast<const CertifiedPeer&>(connection).certificate_name()));
  }
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    connection.send(bytes);
    return bytes.size();
  }
  void on_closed(TcpConnection&, std::string_view) override { --open_; }

 private:
  std::atomic<int>& open_;
};

// What a client was told, and what for.
struct Client {
  std::string got;
  std::promise<std::string> closed;
  std::atomic<size_t> received{0};
};

class Listener final : public TcpHandler {
 public:
  Listener(std::shared_ptr<Client> client, std::string text) : client_(std::move(client)), text_(std::move(text)) {}
  void on_open(TcpConnection& connection) override { connection.send(text_); }
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    client_->got.append(bytes);
    client_->received = client_->got.size();
    if (client_->got.ends_with("goodbye")) connection.close();
    return bytes.size();
  }
  void on_closed(TcpConnection&, std::string_view reason) override { client_->closed.set_value(std::string(reason)); }

 private:
  const std::shared_ptr<Client> client_;
  const std::string text_;
};

class TlsServerTest : public testing::Test {
 protected:
  TlsServerTest() : loops_(2) {
    loops_.start();
    char folder[] = "/tmp/campanile_tls_XXXXXX";
    folder_ = mkdtemp(folder);
    const auto server = ca_.issue("server", "DNS:localhost,IP:127.0.0.1");
    write("server.pem", server.pem);
    write("server.key", server.key_pem);
    write("ca.pem", ca_.pem());
  }
  ~TlsServerTest() override {
    loops_.stop();
    std::filesystem::remove_all(folder_);
  }
  std::string path(const std::string& name) const { return folder_ / name; }
  // As a replacement is done: written beside and moved over.
  void write(const std::string& name, const std::string& text) {
    std::ofstream(path(name) + ".new") << text;
    std::filesystem::rename(path(name) + ".new", path(name));
  }
  TlsServerOptions options(ClientCertificate client = ClientCertificate::kNone) {
    return {.certificate_file = path("server.pem"), .key_file = path("server.key"), .ca_file = path("ca.pem"), .crl_file = {},
            .client_certificate = client};
  }
  void listen(const TlsServerOptions& tls, std::chrono::milliseconds opening_timeout = std::chrono::seconds(10)) {
    auto loaded = TlsServer::load(tls);
    ASSERT_TRUE(loaded) << loaded.error().message;
    tls_ = *loaded;
    auto listening = TcpListener::listen(loops_, {"127.0.0.1", 0}, {},
                                         over_transport({.tls = tls_, .websocket = std::nullopt, .opening_timeout = opening_timeout},
                                                        [this](EventLoop&) { return std::make_unique<Greeter>(open_); }));
    ASSERT_TRUE(listening) << listening.error().message;
    listener_ = *std::move(listening);
  }
  std::shared_ptr<TcpConnection> connect(const std::shared_ptr<Client>& client, const std::string& text, const std::string& certificate = "") {
    TlsClientOptions tls{.ca_file = path("ca.pem")};
    if (!certificate.empty()) tls.certificate_file = path(certificate);
    return tcp_connect(loops_, loops_.at(0), {.address = listener_->address(), .tls = tls}, std::make_unique<Listener>(client, text));
  }
  // The whole of a short conversation: what came, and how it ended.
  std::pair<std::string, std::string> talk(const std::string& certificate = "", const std::string& text = "goodbye") {
    auto client = std::make_shared<Client>();
    auto closed = client->closed.get_future();
    const auto connection = connect(client, text, certificate);
    if (closed.wait_for(kPatience) != std::future_status::ready) return {"", "nothing happened"};
    return {client->got, closed.get()};
  }
  // Writes both into one file, which `talk` takes.
  TestCertificate issue_client(const std::string& file, const std::string& name, const std::string& alternative_names = "") {
    auto issued = ca_.issue(name, alternative_names);
    write(file, issued.pem + issued.key_pem);
    return issued;
  }

  TestCa ca_;
  EventLoopPool loops_;
  std::filesystem::path folder_;
  std::shared_ptr<TlsServer> tls_;
  std::unique_ptr<TcpListener> listener_;
  std::atomic<int> open_{0};
};

TEST_F(TlsServerTest, CarriesAConversation) {
  listen(options());
  EXPECT_EQ(talk(), std::pair(std::string("<>goodbye"), std::string("closed by this side")));
  std::string much(6 << 20, 'x');
  for (size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 7 + i / 1000);
  const auto [got, reason] = talk("", much + "goodbye");
  EXPECT_TRUE(got == "<>" + much + "goodbye") << got.size();
  EXPECT_TRUE(eventually([&] { return open_ == 0; }));
}

TEST_F(TlsServerTest, TheCertificateTellsTheName) {
  issue_client("client.pem", "gate 7", "DNS:gate7.example.org,email:gate7@example.org,URI:urn:gate:7");
  const std::pair<CertificateName, std::string> cases[] = {{CertificateName::kCommonName, "<gate 7>goodbye"},
                                                           {CertificateName::kSanDns, "<gate7.example.org>goodbye"},
                                                           {CertificateName::kSanEmail, "<gate7@example.org>goodbye"},
                                                           {CertificateName::kSanUri, "<urn:gate:7>goodbye"}};
  for (const auto& [kind, expected] : cases) {
    auto tls = options(ClientCertificate::kRequired);
    tls.certificate_name = kind;
    listen(tls);
    EXPECT_EQ(talk("client.pem").first, expected);
  }
  issue_client("bare.pem", "bare");
  EXPECT_EQ(talk("bare.pem").first, "<>goodbye") << "no such name in it";
  issue_client("zero.pem", std::string("admin\0.example.org", 18));
  listen(options(ClientCertificate::kRequired));
  EXPECT_EQ(talk("zero.pem").first, "<>goodbye") << "a name with a zero byte is none";
}

TEST_F(TlsServerTest, CertificatesAreRequiredOrOptional) {
  issue_client("client.pem", "gate");
  TestCa stranger;
  const auto forged = stranger.issue("gate", "");
  write("forged.pem", forged.pem + forged.key_pem);
  listen(options(ClientCertificate::kRequired));
  EXPECT_EQ(talk("client.pem").first, "<gate>goodbye");
  EXPECT_EQ(talk("").first, "");
  EXPECT_EQ(talk("forged.pem").first, "");
  listen(options(ClientCertificate::kOptional));
  EXPECT_EQ(talk("client.pem").first, "<gate>goodbye");
  EXPECT_EQ(talk("").first, "<>goodbye");
  EXPECT_EQ(talk("forged.pem").first, "") << "one that is shown must be good";
  EXPECT_EQ(open_, 0);
}

TEST_F(TlsServerTest, ARevokedCertificateIsRefusedAfterAReloadAndOldConnectionsStay) {
  const auto client = issue_client("client.pem", "gate");
  issue_client("other.pem", "other");
  write("crl.pem", ca_.crl_pem());
  auto tls = options(ClientCertificate::kRequired);
  tls.crl_file = path("crl.pem");
  listen(tls);
  EXPECT_EQ(talk("client.pem").first, "<gate>goodbye");
  auto old = std::make_shared<Client>();
  auto old_closed = old->closed.get_future();
  const auto connection = connect(old, "hello", "client.pem");
  ASSERT_TRUE(eventually([&] { return old->received == 11; }));

  EXPECT_FALSE(tls_->files_changed());
  ca_.revoke(client);
  write("crl.pem", ca_.crl_pem());
  EXPECT_TRUE(tls_->files_changed());
  ASSERT_TRUE(tls_->reload());
  EXPECT_FALSE(tls_->files_changed());
  EXPECT_EQ(talk("client.pem").first, "");
  EXPECT_EQ(talk("other.pem").first, "<other>goodbye");

  loops_.at(0).post([&] { connection->send(" goodbye"); });
  EXPECT_EQ(old_closed.get(), "closed by this side");
  EXPECT_EQ(old->got, "<gate>hello goodbye");
}

TEST_F(TlsServerTest, AFailedReloadLeavesWhatWasRead) {
  listen(options());
  write("server.key", "this is no key");
  EXPECT_TRUE(tls_->files_changed());
  const auto refused = tls_->reload();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("key file " + path("server.key") + ": "));
  EXPECT_FALSE(tls_->files_changed()) << "the same mistake is told once";
  EXPECT_EQ(talk().first, "<>goodbye");
  const auto other = ca_.issue("another", "DNS:localhost,IP:127.0.0.1");
  write("server.key", other.key_pem);
  EXPECT_THAT(tls_->reload().error().message, HasSubstr("not the key of the certificate in " + path("server.pem")));
  write("server.pem", other.pem);
  EXPECT_TRUE(tls_->reload());
  EXPECT_EQ(talk().first, "<>goodbye");
}

TEST_F(TlsServerTest, NamesTheFileThatIsWrong) {
  const auto error_of = [&](TlsServerOptions tls) { return TlsServer::load(std::move(tls)).error().message; };
  auto tls = options(ClientCertificate::kRequired);
  tls.certificate_file = path("none.pem");
  EXPECT_EQ(error_of(tls), "certificate file " + path("none.pem") + ": No such file or directory");
  tls.certificate_file = folder_;
  EXPECT_THAT(error_of(tls), HasSubstr("it is a directory"));
  tls = options(ClientCertificate::kRequired);
  write("empty.pem", "");
  tls.ca_file = path("empty.pem");
  EXPECT_THAT(error_of(tls), HasSubstr("CA file " + path("empty.pem") + ": "));
  tls = options(ClientCertificate::kRequired);
  tls.crl_file = path("ca.pem");
  EXPECT_THAT(error_of(tls), HasSubstr("revocation list " + path("ca.pem") + ": "));
}

TEST_F(TlsServerTest, AKeyWithAPassphraseIsRefusedWithoutAsking) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* bio = BIO_new(BIO_s_mem());
  std::string passphrase = "open";
  PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), passphrase.data(), static_cast<int>(passphrase.size()), nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  write("server.key", std::string(data, static_cast<size_t>(size)));
  BIO_free(bio);
  EVP_PKEY_free(key);
  const auto refused = TlsServer::load(options());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("key file"));
}

TEST_F(TlsServerTest, WhoDoesNotSpeakTlsIsClosedAndCostsNoHandler) {
  listen(options());
  RawClient raw(listener_->address());
  EXPECT_TRUE(raw.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n"));
  raw.receive_all();
  EXPECT_TRUE(eventually([&] { return listener_->connections() == 0; }));
  EXPECT_EQ(open_, 0);
}

TEST_F(TlsServerTest, AHandshakeThatDragsOnIsEnded) {
  listen(options(), std::chrono::milliseconds(100));
  RawClient silent(listener_->address());
  RawClient begun(listener_->address());
  EXPECT_TRUE(begun.send("\x16\x03\x01"));
  EXPECT_EQ(silent.receive_all(), "");
  EXPECT_EQ(begun.receive_all(), "");
  EXPECT_TRUE(eventually([&] { return listener_->connections() == 0; }));
}

TEST_F(TlsServerTest, SpeaksNothingBelowTls12) {
  listen(options());
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  for (const auto& [version, accepted] : {std::pair{TLS1_1_VERSION, false}, {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}}) {
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL* tls = SSL_new(context);
    BIO* bio = BIO_new_connect(listener_->address().to_string().c_str());
    ASSERT_EQ(BIO_do_connect(bio), 1);
    SSL_set_bio(tls, bio, bio);
    EXPECT_EQ(SSL_connect(tls) == 1, accepted) << version;
    SSL_free(tls);
  }
  SSL_CTX_free(context);
}

// A handler that holds back: what it has not taken comes again, in order, and is not lost when the peer ends meanwhile.
class Hesitant final : public TcpHandler {
 public:
  Hesitant(std::string& got, std::atomic<bool>& closed) : got_(got), closed_(closed) {}
  size_t on_bytes(TcpConnection& connection, std::string_view bytes) override {
    if (++calls_ % 3 != 0) {
      connection.pause_reading();
      connection.loop().run_after(std::chrono::milliseconds(1), [weak = connection.weak_from_this()] {
        if (const auto self = weak.lock()) self->resume_reading();
      });
      return 0;
    }
    const size_t used = std::min<size_t>(bytes.size(), 5000);
    got_.append(bytes.substr(0, used));
    if (used < bytes.size()) connection.resume_reading();
    return used;
  }
  void on_closed(TcpConnection&, std::string_view) override { closed_ = true; }

 private:
  std::string& got_;
  std::atomic<bool>& closed_;
  int calls_ = 0;
};

TEST_F(TlsServerTest, AHandlerMayHoldBack) {
  auto loaded = TlsServer::load(options());
  ASSERT_TRUE(loaded);
  std::string got;
  std::atomic<bool> closed = false;
  auto listening = TcpListener::listen(loops_, {"127.0.0.1", 0}, {},
                                       over_transport({.tls = *loaded, .websocket = std::nullopt}, [&](EventLoop&) { return std::make_unique<Hesitant>(got, closed); }));
  ASSERT_TRUE(listening);
  std::string text;
  for (int i = 0; text.size() < 300'000; ++i) text += fmt::format("{} ", i);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* tls = SSL_new(context);
  BIO* bio = BIO_new_connect((*listening)->address().to_string().c_str());
  ASSERT_EQ(BIO_do_connect(bio), 1);
  SSL_set_bio(tls, bio, bio);
  ASSERT_EQ(SSL_connect(tls), 1);
  ASSERT_EQ(SSL_write(tls, text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
  SSL_shutdown(tls);
  // Reads to the end: a socket closed with something unread, such as a session ticket, resets the connection.
  timeval patience{kPatience.count(), 0};
  setsockopt(SSL_get_fd(tls), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char byte = 0;
  while (SSL_read(tls, &byte, 1) > 0) {
  }
  SSL_free(tls);
  SSL_CTX_free(context);
  EXPECT_TRUE(eventually([&] { return closed.load(); }));
  EXPECT_TRUE(got == text) << got.size() << " of " << text.size();
  (*listening)->close();
}

}  // namespace
}  // namespace campanile::net
