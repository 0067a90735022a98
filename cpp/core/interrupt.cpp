// SPDX-License-Identifier: Apache-2.0
// Rate-limited polling.
#include "core/interrupt.h"

#include <atomic>
#include <chrono>

namespace fastcv {
namespace {
std::atomic<void (*)()> g_poll{nullptr};
}  // namespace

void set_interrupt_poll(void (*poll)()) { g_poll = poll; }

void poll_interrupt() {
  using Clock = std::chrono::steady_clock;
  thread_local Clock::time_point next{};
  const auto now = Clock::now();
  if (now < next) return;
  next = now + std::chrono::milliseconds(20);
  if (const auto poll = g_poll.load()) poll();
}

}  // namespace fastcv
