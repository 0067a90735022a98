// SPDX-License-Identifier: Apache-2.0
// Parallel loops on our own thread pool. OpenMP is avoided: its runtimes hang a forked child and fight over threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace fastcv {

// Threads used where a call says 0: FASTCV_NUM_THREADS, else the processors this process may run on.
int default_num_threads();
void set_default_num_threads(int num_threads);

namespace detail {
// Runs run(context, chunk) for every chunk in [0, num_chunks), the caller taking chunks too.
void run_chunks(std::int64_t num_chunks, int num_threads, void (*run)(void*, std::int64_t), void* context);
}  // namespace detail

// Calls body(begin, end) on consecutive ranges of at most `grain` that cover [0, n). Ranges depend on n and grain
// alone, so a body that writes per range gives the same result for every thread count. A range should take 0.1 to 50
// ms: Ctrl-C is answered between ranges, and fewer than two ranges run on the calling thread alone; a body that takes
// longer calls poll_interrupt(). An exception thrown by the body reaches the caller after all threads have left the
// loop.
template <class Body>
void parallel_for(std::int64_t n, std::int64_t grain, int num_threads, Body&& body) {
  struct Context {
    std::remove_reference_t<Body>* body;
    std::int64_t n, grain;
  } context{std::addressof(body), n, std::max<std::int64_t>(grain, 1)};
  const auto run = [](void* pointer, std::int64_t chunk) {
    const auto& c = *static_cast<Context*>(pointer);
    (*c.body)(chunk * c.grain, std::min(c.n, (chunk + 1) * c.grain));
  };
  detail::run_chunks((n + context.grain - 1) / context.grain, num_threads, run, &context);
}

}  // namespace fastcv
