// Background: where resources run what would hold up an event loop. app/wiring.cc gives the worker pool.
//
//   run_answer(background, std::move(responder), [this, id] { return answer(id); });
//   run_later(background, std::move(responder), [this](const SharedResponder& later) { ask([later](auto found) { later->respond(...); }); });
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

// A responder that several may hold, of whom one answers.
using SharedResponder = std::shared_ptr<net::HttpResponder>;

// Runs `work` in the background, which sees to the answer; 503 at once where no worker can take it.
template <typename Work>
void run_later(const Background& background, SharedResponder responder, Work work) {
  // Shared, because a refused task is gone and the refusal still needs the responder.
  const bool taken = background([responder, work = std::move(work)]() mutable { work(responder); });
  if (!taken) responder->respond(error_answer({ErrorCode::kOverloaded, "too many requests wait for a worker; try again in a second"}));
}

template <typename Work>
void run_later(const Background& background, net::HttpResponder responder, Work work) {
  run_later(background, std::make_shared<net::HttpResponder>(std::move(responder)), std::move(work));
}

// Makes the answer in the background and sends it.
template <typename MakeAnswer>
void run_answer(const Background& background, SharedResponder responder, MakeAnswer make_answer) {
  run_later(background, std::move(responder), [make = std::move(make_answer)](const SharedResponder& later) mutable { later->respond(make()); });
}

template <typename MakeAnswer>
void run_answer(const Background& background, net::HttpResponder responder, MakeAnswer make_answer) {
  run_answer(background, std::make_shared<net::HttpResponder>(std::move(responder)), std::move(make_answer));
}

}  // namespace campanile::api
