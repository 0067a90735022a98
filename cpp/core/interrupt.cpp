// SPDX-License-Identifier: Apache-2.0
// Rate-limited polling.
#include "core/interrupt.h"

#include <chrono>

namespace fastcv {
namespace {
std::atomic<void (*)()> g_poll{nullptr};
thread_local const std::atomic<bool>* t_stopped = nullptr;
}  // namespace

void set_interrupt_poll(void (*poll)()) { g_poll = poll; }

void poll_interrupt() {
  if (t_stopped != nullptr) {
    if (t_stopped->load(std::memory_order_relaxed)) throw detail::LoopStopped{};
    return;
  }
  using Clock = std::chrono::steady_clock;
  thread_local Clock::time_point next{};
  const auto now = Clock::now();
  if (now < next) return;
  next = now + std::chrono::milliseconds(20);
  if (const auto poll = g_poll.load()) poll();
}

void detail::heed_stop_flag(const std::atomic<bool>* stopped) { t_stopped = stopped; }

}  // namespace fastcv
