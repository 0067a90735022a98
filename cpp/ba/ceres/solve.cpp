// SPDX-License-Identifier: Apache-2.0
#include "ba/solve.h"

#include <thread>

#include "ba/ceres/session.h"

namespace fastcv::ba {

Summary solve_with_ceres(const Problem& problem, const Options& options, const Callback& callback) {
  const auto session = std::make_shared<Session>(problem, options, static_cast<bool>(callback));
  std::thread([session] { session->run(); }).detach();
  return session->wait(problem, callback);
}

}  // namespace fastcv::ba
