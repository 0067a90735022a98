// SPDX-License-Identifier: Apache-2.0
// The thread pool: coverage of the range, exceptions, nesting, callers side by side, interruption.
#include "core/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/interrupt.h"

using namespace fastcv;

TEST_CASE("every index is visited once, for every thread count and grain") {
  for (const int threads : {0, 1, 2, 3, 8}) {
    for (const std::int64_t grain : {-1, 1, 7, 1000, 5000}) {
      std::vector<int> visits(1001, 0);
      parallel_for(1001, grain, threads, [&](std::int64_t begin, std::int64_t end) {
        for (auto i = begin; i < end; ++i) ++visits[i];
      });
      CHECK(visits == std::vector<int>(1001, 1));
    }
  }
}

TEST_CASE("an empty range calls nothing") {
  parallel_for(0, 16, 4, [](std::int64_t, std::int64_t) { FAIL("called"); });
}

TEST_CASE("ranges do not depend on the number of threads") {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::int64_t> length(4, 0);
    parallel_for(10, 3, threads, [&](std::int64_t begin, std::int64_t end) { length[begin / 3] = end - begin; });
    CHECK(length == std::vector<std::int64_t>{3, 3, 3, 1});
  }
}

TEST_CASE("an exception reaches the caller and the pool works on") {
  for (const int threads : {1, 4}) {
    CHECK_THROWS_WITH_AS(parallel_for(1000, 1, threads,
                                      [](std::int64_t begin, std::int64_t) {
                                        if (begin == 500) throw std::runtime_error("at 500");
                                      }),
                         "at 500", std::runtime_error);
    std::atomic<int> sum{0};
    parallel_for(100, 1, threads, [&](std::int64_t, std::int64_t) { ++sum; });
    CHECK(sum == 100);
  }
}

TEST_CASE("loops nest") {
  std::atomic<int> sum{0};
  parallel_for(8, 1, 4,
               [&](std::int64_t, std::int64_t) { parallel_for(8, 1, 4, [&](std::int64_t, std::int64_t) { ++sum; }); });
  CHECK(sum == 64);
}

TEST_CASE("callers on several threads share the pool") {
  std::atomic<int> sum{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 6; ++t) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 200; ++repeat) {
        parallel_for(16, 1, 3, [&](std::int64_t, std::int64_t) { ++sum; });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(sum == 6 * 200 * 16);
}

TEST_CASE("a poll that throws stops the loop") {
  struct Stop {};
  set_interrupt_poll([] { throw Stop{}; });
  for (const int threads : {1, 3}) {
    std::atomic<int> visited{0};
    CHECK_THROWS_AS(parallel_for(100000, 1, threads,
                                 [&](std::int64_t, std::int64_t) {
                                   ++visited;
                                   std::this_thread::sleep_for(std::chrono::microseconds(100));
                                 }),
                    Stop);
    CHECK(visited < 100000);
  }
  set_interrupt_poll(nullptr);
}

TEST_CASE("helpers that poll leave a long range once the loop is stopped") {
  struct Stop {};
  static std::atomic<int> inside;
  static std::atomic<std::thread::id> asked;
  inside = 0;
  set_interrupt_poll([] {
    asked = std::this_thread::get_id();
    if (inside == 3) throw Stop{};
  });
  std::atomic<int> finished{0};
  CHECK_THROWS_AS(parallel_for(3, 1, 3,
                               [&](std::int64_t, std::int64_t) {
                                 ++inside;
                                 for (int i = 0; i < 100000; ++i) {  // 10 s
                                   poll_interrupt();
                                   std::this_thread::sleep_for(std::chrono::microseconds(100));
                                 }
                                 ++finished;
                               }),
                  Stop);
  CHECK(finished == 0);
  CHECK(asked.load() == std::this_thread::get_id());  // helpers never ask the host
  set_interrupt_poll(nullptr);
  std::atomic<int> sum{0};
  parallel_for(100, 1, 3, [&](std::int64_t, std::int64_t) {
    poll_interrupt();
    ++sum;
  });
  CHECK(sum == 100);
}
