// SPDX-License-Identifier: Apache-2.0
#include "ba/solve.h"

#include <thread>

#include "ba/ceres/session.h"

namespace fastcv::ba {

Summary solve_with_ceres(const Problem& problem, const Options& options, const Callback& callback) {
  std::shared_ptr<Session> session;
  try {
    session = std::make_shared<Session>(problem, options, static_cast<bool>(callback));
  } catch (...) {
    Summary summary;
    interrupt(summary);
    return summary;
  }
  std::thread([session] { session->run(); }).detach();
  return session->wait(problem, callback);
}

}  // namespace fastcv::ba
