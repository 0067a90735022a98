// SPDX-License-Identifier: Apache-2.0
// An executor that makes the most of what a GPU may do: threads and blocks run last to first, and memory that nobody
// has written is NaN. A kernel whose threads depend on each other within a phase, or that reads what was not written,
// gives another result on it than on HostExecutor.
#pragma once

#include <cstring>

#include "core/host_executor.h"

namespace fastcv {

class BackwardsExecutor : public HostExecutor {
 public:
  BackwardsExecutor() : HostExecutor(1) {}

  template <class T>
  Buffer<T> allocate(std::int64_t size) const {
    Buffer<T> buffer(size);
    std::memset(static_cast<void*>(buffer.data()), 0xff, sizeof(T) * static_cast<std::size_t>(size));
    return buffer;
  }

  template <class Kernel>
  void launch(std::int64_t blocks, const Kernel& kernel) const {
    for (std::int64_t block = blocks - 1; block >= 0; --block) {
      typename Kernel::Shared shared;
      std::memset(static_cast<void*>(&shared), 0xff, sizeof shared);
      for (int phase = 0; phase < kernel.num_phases(); ++phase) {
        for (int thread = Kernel::kThreads - 1; thread >= 0; --thread) kernel.phase(phase, block, thread, shared);
      }
    }
  }
};

}  // namespace fastcv
