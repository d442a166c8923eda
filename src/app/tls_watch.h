// TlsWatch: reads certificates, keys and revocation lists again when their files change, once a second, or when it is told to.
//
//   TlsWatch watch({{"campus-tls", tls}});
//   watch.reload_now();              // on SIGHUP
//
// A change must have stayed for a whole look before it is acted on, so that certificate and key, replaced one after the other, are read
// together. What cannot be read is logged, and what was read before stays in use.
// Threads: one of its own, since looking at files may wait for a disk; reload_now() from any. Ends with the object.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/tls_server.h"

namespace campanile::app {

class TlsWatch {
 public:
  struct Watched {
    std::string name;
    std::shared_ptr<net::TlsServer> tls;
    bool changing = false;
  };

  explicit TlsWatch(std::vector<Watched> watched);
  ~TlsWatch();
  TlsWatch(const TlsWatch&) = delete;
  TlsWatch& operator=(const TlsWatch&) = delete;

  void reload_now();

 private:
  void run();
  void look(bool asked);

  std::vector<Watched> watched_;  // the thread's
  std::mutex mutex_;
  std::condition_variable wake_;
  bool asked_ = false;    // under mutex_
  bool stopped_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace campanile::app
