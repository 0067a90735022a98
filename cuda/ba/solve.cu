// SPDX-License-Identifier: Apache-2.0
#include "cuda/ba/solve.h"

#include "ba/resident.h"
#include "cuda/core/executor.cuh"

namespace fastcv::cuda::ba {

fastcv::ba::Summary solve(const fastcv::ba::Problem& problem, const fastcv::ba::Options& options,
                          const fastcv::ba::Callback& callback, int device) {
  const auto start = std::chrono::steady_clock::now();
  try {
    Executor on(device);
    return gpu::ba::solve_resident(on, problem, options, callback, start);
  } catch (...) {  // while it was set up
    fastcv::ba::Summary summary;
    interrupt(summary);
    return summary;
  }
}

}  // namespace fastcv::cuda::ba
