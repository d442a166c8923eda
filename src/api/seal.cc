#include "api/seal.h"

#include <boost/json/object.hpp>

#include "api/answers.h"

namespace campanile::api {

void SealResource::handle(net::HttpRequest, net::HttpResponder responder) {
  run_answer(background_, std::move(responder), [this] { return answer(); });
}

net::HttpResponse SealResource::answer() {
  if (running_.exchange(true)) return error_answer({ErrorCode::kOverloaded, "the store is being sealed already; ask again when that is done"});
  const auto sealed = seal_();
  running_ = false;
  if (!sealed) return error_answer(sealed.error());
  return json_answer(200, boost::json::object{{"series_merged", sealed->series_merged}, {"store_bytes", sealed->store_bytes}, {"journal_bytes", sealed->journal_bytes}});
}

}  // namespace campanile::api
