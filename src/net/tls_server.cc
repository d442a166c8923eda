#include "net/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace campanile::net {
namespace {

using ContextPtr = std::shared_ptr<SSL_CTX>;

// The newest thing OpenSSL has to say, in its words.
std::string openssl_words() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* words = code == 0 ? nullptr : ERR_reason_error_string(code);
  return words ? words : "OpenSSL does not say why";
}

// OpenSSL reports a file that is not there as a failure of its own inner parts; the system's words are better.
Result<void> check_readable(std::string_view what, const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return fail(ErrorCode::kIoError, "{} {}: {}", what, path, std::strerror(errno));
  struct stat info{};
  const bool is_folder = ::fstat(::fileno(file), &info) == 0 && S_ISDIR(info.st_mode);
  std::fclose(file);
  if (is_folder) return fail(ErrorCode::kIoError, "{} {}: it is a directory, wanted a PEM file", what, path);
  return {};
}

Result<void> refuse(std::string_view what, const std::string& path) {
  return fail(ErrorCode::kInvalidArgument, "{} {}: {}", what, path, openssl_words());
}

// A program without a terminal cannot ask for a passphrase, and one with it should not.
int no_passphrase(char*, int, int, void*) { return 0; }

Result<void> load_identity(SSL_CTX* context, const TlsServerOptions& options) {
  TRY(check_readable("certificate file", options.certificate_file));
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return refuse("certificate file", options.certificate_file);
  }
  const std::string& key_file = options.key_file.empty() ? options.certificate_file : options.key_file;
  TRY(check_readable("key file", key_file));
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const unsigned long code = ERR_peek_last_error();
    if (ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH) {
      ERR_clear_error();
      return fail(ErrorCode::kInvalidArgument, "key file {}: it is not the key of the certificate in {}", key_file, options.certificate_file);
    }
    return refuse("key file", key_file);
  }
  if (SSL_CTX_check_private_key(context) != 1) return refuse("key file", key_file);
  return {};
}

Result<void> load_clients_ca(SSL_CTX* context, const TlsServerOptions& options) {
  if (options.client_certificate == ClientCertificate::kNone) return {};
  TRY(check_readable("CA file", options.ca_file));
  if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) return refuse("CA file", options.ca_file);
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options.ca_file.c_str());
  if (!names) return refuse("CA file", options.ca_file);
  SSL_CTX_set_client_CA_list(context, names);
  if (!options.crl_file.empty()) {
    TRY(check_readable("revocation list", options.crl_file));
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, options.crl_file.c_str(), X509_FILETYPE_PEM) < 1) {
      return refuse("revocation list", options.crl_file);
    }
    // From here on a client whose issuer has no list in the file, or an expired one, is refused as well.
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  }
  const int required = options.client_certificate == ClientCertificate::kRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | required, nullptr);
  return {};
}

Result<ContextPtr> make_context(const TlsServerOptions& options) {
  ERR_clear_error();
  ContextPtr context(SSL_CTX_new(TLS_server_method()), [](SSL_CTX* one) { SSL_CTX_free(one); });
  if (!context) return fail(ErrorCode::kIoError, "starting TLS: {}", openssl_words());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection gives its record buffers, some 34 KB, back.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  // Sessions come back by tickets, whose keys are this context's own; nothing of them is kept here.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  constexpr unsigned char kSessionContext[] = "campanile";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof kSessionContext - 1);
  TRY(load_identity(context.get(), options));
  TRY(load_clients_ca(context.get(), options));
  return context;
}

// A name that holds a zero byte is somebody's attempt to look like another one.
std::string text_of(const ASN1_STRING* value) {
  unsigned char* bytes = nullptr;
  const int size = value ? ASN1_STRING_to_UTF8(&bytes, value) : -1;
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return text.find('\0') == std::string::npos ? text : std::string();
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  // The last one is the most specific, as in "CN=devices, CN=gate 7".
  int index = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, next)) >= 0;) index = next;
  if (index < 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

std::string alternative_name(const X509* certificate, int type) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string found;
  for (int i = 0; names && found.empty() && i < sk_GENERAL_NAME_num(names); ++i) {
    int its_type = 0;
    const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &its_type));
    if (its_type == type) found = text_of(value);
  }
  GENERAL_NAMES_free(names);
  return found;
}

}  // namespace

Result<std::shared_ptr<TlsServer>> TlsServer::load(TlsServerOptions options) {
  std::shared_ptr<TlsServer> server(new TlsServer(std::move(options)));
  TRY(server->reload());
  return server;
}

Result<void> TlsServer::reload() {
  // Before the files are read: what is written meanwhile is seen as a change the next time.
  auto read_now = stamps();
  auto made = make_context(options_);
  std::lock_guard lock(mutex_);
  stamps_ = std::move(read_now);
  if (!made) return std::unexpected(std::move(made.error()));
  context_ = *std::move(made);
  return {};
}

bool TlsServer::files_changed() const {
  const auto now = stamps();
  std::lock_guard lock(mutex_);
  return now != stamps_;
}

std::shared_ptr<ssl_ctx_st> TlsServer::context() const {
  std::lock_guard lock(mutex_);
  return context_;
}

std::vector<TlsServer::Stamp> TlsServer::stamps() const {
  std::vector<Stamp> out;
  for (const std::string* path : {&options_.certificate_file, &options_.key_file, &options_.ca_file, &options_.crl_file}) {
    struct stat info{};
    Stamp stamp;
    if (!path->empty() && ::stat(path->c_str(), &info) == 0) {
      stamp = {.device = info.st_dev,
               .inode = info.st_ino,
               .bytes = static_cast<uint64_t>(info.st_size),
               .modified_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
    }
    out.push_back(stamp);
  }
  return out;
}

std::string certificate_name_of(ssl_st* tls, CertificateName kind) {
  const X509* certificate = SSL_get0_peer_certificate(tls);
  if (!certificate || SSL_get_verify_result(tls) != X509_V_OK) return {};
  switch (kind) {
    case CertificateName::kCommonName: return common_name(certificate);
    case CertificateName::kSanDns: return alternative_name(certificate, GEN_DNS);
    case CertificateName::kSanEmail: return alternative_name(certificate, GEN_EMAIL);
    case CertificateName::kSanUri: return alternative_name(certificate, GEN_URI);
  }
  return {};
}

}  // namespace campanile::net
