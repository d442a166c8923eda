// Background: where resources run what would hold up an event loop. app/wiring.cc gives the worker pool.
//
//   run_answer(background, std::move(responder), [this, id] { return answer(id); });
//
// Threads: any loop.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "api/answers.h"
#include "net/http_server.h"

namespace campanile::api {

// False where too many tasks wait already; the task is destroyed unrun.
using Background = std::function<bool(std::move_only_function<void()>)>;

// Makes the answer in the background and sends it; 503 at once where no worker can take it.
template <typename MakeAnswer>
void run_answer(const Background& background, net::HttpResponder responder, MakeAnswer make_answer) {
  // Shared, because a refused task is gone and the refusal still needs the responder.
  auto shared = std::make_shared<net::HttpResponder>(std::move(responder));
  const bool taken = background([shared, make = std::move(make_answer)]() mutable { shared->respond(make()); });
  if (!taken) shared->respond(error_answer({ErrorCode::kOverloaded, "too many requests wait for a worker; try again in a second"}));
}

}  // namespace campanile::api
