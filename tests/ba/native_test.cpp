// SPDX-License-Identifier: Apache-2.0
// Ctrl-C while the native solver is set up, at a moment that no Python test can choose.
#include "ba/native.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "core/interrupt.h"

using namespace fastcv;
using namespace fastcv::ba;

TEST_CASE("Ctrl-C during the set-up ends with the state at the start") {
  struct Stop {};
  const std::int32_t model = 0, image_cameras[] = {0, 0}, images[] = {0, 1}, points_of[] = {0, 0};
  const std::int64_t offsets[] = {0, 0};
  double poses[24] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, -1, 0, 1, 0, 0, 0, 0, 1, 0}, point[] = {0.5, 0, 4};
  const bool pose_free[12] = {}, point_free = true;
  const double observations[4] = {}, weights[] = {1, 1};
  const Problem problem{{&model, {1}},    {offsets, {2}},    {nullptr, {0}}, {nullptr, {0}},     {image_cameras, {2}},
                        {poses, 2},       {pose_free, 2},    {point, 1},     {&point_free, {1}}, {images, {2}},
                        {points_of, {2}}, {observations, 2}, {weights, {2}}};
  set_interrupt_poll([] { throw Stop{}; });
  std::this_thread::sleep_for(std::chrono::milliseconds(25));  // polls ask at most every 20 ms
  const Summary summary = solve_native(problem, {"", Loss::none, 1, 50, 0, 0, 0, 1e9, 1}, {});
  set_interrupt_poll(nullptr);
  CHECK(summary.termination == Termination::interrupted);
  CHECK_THROWS_AS(std::rethrow_exception(summary.error), Stop);
  CHECK(std::isnan(summary.final_cost));
  CHECK(summary.iterations.empty());
  CHECK(summary.linear_solver == "");
  CHECK(point[2] == 4);
}
