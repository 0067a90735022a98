// SPDX-License-Identifier: Apache-2.0
// The solver of a GPU on the CPU: nobody's choice for speed, but what its tests run where there is none.
#include "ba/resident.h"

#include "core/host_executor.h"

namespace fastcv::ba {

Summary solve_resident(const Problem& problem, const Options& options, const Callback& callback) {
  const auto start = std::chrono::steady_clock::now();
  try {
    HostExecutor on(options.num_threads);
    return generic::ba::solve_resident(on, problem, options, callback, start);
  } catch (...) {  // while it was set up
    Summary summary;
    interrupt(summary);
    return summary;
  }
}

}  // namespace fastcv::ba
