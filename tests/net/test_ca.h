// TestCa: a certificate authority of the tests' own, made here and now, that issues certificates and revokes them.
//
//   TestCa ca;
//   const auto server = ca.issue("server", "DNS:localhost,IP:127.0.0.1");
//   ca.revoke(client);
//   write(ca.crl_pem());
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <functional>
#include <string>
#include <vector>

namespace campanile::net {

struct TestCertificate {
  long serial = 0;
  std::string pem;
  std::string key_pem;
};

class TestCa {
 public:
  TestCa() {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate_), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test CA"), -1, -1, 0);
    fill(certificate_, key_, 1, "");
    add(certificate_, NID_basic_constraints, "critical,CA:TRUE");
    add(certificate_, NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_sign(certificate_, key_, EVP_sha256());
  }
  ~TestCa() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  std::string pem() const {
    return written([&](BIO* bio) { PEM_write_bio_X509(bio, certificate_); });
  }

  TestCertificate issue(const std::string& common_name, const std::string& alternative_names, long valid_s = 3600) {
    TestCertificate issued{.serial = ++serial_};
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    if (!common_name.empty()) {
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0);
    }
    fill(certificate, key, issued.serial, alternative_names, valid_s);
    X509_sign(certificate, key_, EVP_sha256());
    issued.pem = written([&](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
    issued.key_pem = written([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(certificate);
    EVP_PKEY_free(key);
    return issued;
  }

  void revoke(const TestCertificate& certificate) { revoked_.push_back(certificate.serial); }

  std::string crl_pem() const {
    X509_CRL* crl = X509_CRL_new();
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(certificate_));
    ASN1_TIME* time = ASN1_TIME_new();
    X509_gmtime_adj(time, -3600);
    X509_CRL_set1_lastUpdate(crl, time);
    for (const long serial : revoked_) {
      X509_REVOKED* one = X509_REVOKED_new();
      ASN1_INTEGER* number = ASN1_INTEGER_new();
      ASN1_INTEGER_set(number, serial);
      X509_REVOKED_set_serialNumber(one, number);
      X509_REVOKED_set_revocationDate(one, time);
      X509_CRL_add0_revoked(crl, one);
      ASN1_INTEGER_free(number);
    }
    X509_gmtime_adj(time, 3600);
    X509_CRL_set1_nextUpdate(crl, time);
    ASN1_TIME_free(time);
    X509_CRL_sort(crl);
    X509_CRL_sign(crl, key_, EVP_sha256());
    std::string pem = written([&](BIO* bio) { PEM_write_bio_X509_CRL(bio, crl); });
    X509_CRL_free(crl);
    return pem;
  }

 private:
  static std::string written(const std::function<void(BIO*)>& write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(bio);
    return pem;
  }
  static void add(X509* certificate, int id, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void fill(X509* certificate, EVP_PKEY* key, long serial, const std::string& alternative_names, long valid_s = 3600) {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_s);
    X509_set_pubkey(certificate, key);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
    if (!alternative_names.empty()) add(certificate, NID_subject_alt_name, alternative_names.c_str());
  }

  EVP_PKEY* key_ = EVP_EC_gen("P-256");
  X509* certificate_ = X509_new();
  long serial_ = 1;
  std::vector<long> revoked_;
};

}  // namespace campanile::net
