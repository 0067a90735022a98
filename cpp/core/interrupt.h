// SPDX-License-Identifier: Apache-2.0
// Lets the host language stop a long native call: Ctrl-C is answered at the next poll.
#pragma once

#include <atomic>
#include <cstdint>

namespace fastcv {

// The poll throws to stop the call. Set once by the bindings; without one, polling does nothing.
void set_interrupt_poll(void (*poll)());

// Call it at least every 0.1 s, parallel_for's body included; ranges that are shorter need none, as parallel_for polls
// between them. It costs 30 ns: the host is asked at most every 20 ms, and never by a helper thread of parallel_for,
// whose poll throws once its loop has failed on another thread.
void poll_interrupt();

// body(i) for i = 0 to n - 1, in order, on this thread: for long loops that are not worth a parallel_for.
template <class Body>
void polled_for(std::int64_t n, const Body& body) {
  constexpr std::int64_t kInterval = 1 << 12;
  for (std::int64_t i = 0; i < n;) {
    const std::int64_t end = i + kInterval < n ? i + kInterval : n;
    for (; i < end; ++i) body(i);
    if (i < n) poll_interrupt();
  }
}

namespace detail {
// What a helper's poll throws.
struct LoopStopped {};
// Polls of this thread heed the flag instead of asking the host; null turns that off.
void heed_stop_flag(const std::atomic<bool>* stopped);
}  // namespace detail

}  // namespace fastcv
