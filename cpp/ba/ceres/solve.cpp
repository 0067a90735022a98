// SPDX-License-Identifier: Apache-2.0
#include "ba/ceres/solve.h"

#include <thread>

#include "ba/ceres/session.h"

namespace fastcv::ba {

Summary solve(const Problem& problem, const Options& options, const std::function<bool(const Iteration&)>& callback) {
  const auto session = std::make_shared<Session>(problem, options, static_cast<bool>(callback));
  std::thread([session] { session->run(); }).detach();
  return session->wait(problem, callback);
}

}  // namespace fastcv::ba
