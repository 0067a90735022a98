// SPDX-License-Identifier: Apache-2.0
// How a per-element operation runs. Arrays hold the values of an element side by side, which no compiler turns into
// vector code once there are more than a few; so blocks of elements are laid out in lanes first.
//
// An operation has kInputs, kOutputs and kSums values per element of type T, and the functions
//   load(i, in, stride), compute(in, out, sums, stride), store(i, out, stride),
// where value k of an element is in[k * stride]. compute() adds to the sums, which are doubles.
#pragma once

#include "core/view.h"

namespace fastcv::FASTCV_ISA {

template <class Op>
FASTCV_HD void run_one(const Op& op, std::int64_t i, double* sums) {
  typename Op::Scalar in[Op::kInputs], out[Op::kOutputs];
  op.load(i, in, 1);
  op.compute(in, out, sums, 1);
  op.store(i, out, 1);
}

// An operation without sums as a functor of the element.
template <class Op>
struct RunOne {
  Op op;
  FASTCV_HD void operator()(std::int64_t i) const { run_one(op, i, nullptr); }
};

// Elements [0, n). The sums come in a fixed order, one per lane first: the same on every instruction set.
template <class Op>
FASTCV_HD void run_in_lanes(const Op& op, std::int64_t n, double* result) {
  constexpr int kLanes = 16;
  typename Op::Scalar in[Op::kInputs * kLanes] = {}, out[Op::kOutputs * kLanes];
  double sums[(Op::kSums + 1) * kLanes] = {};
  std::int64_t begin = 0;
  for (; begin + kLanes <= n; begin += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) op.load(begin + lane, in + lane, kLanes);
    for (int lane = 0; lane < kLanes; ++lane) op.compute(in + lane, out + lane, sums + lane, kLanes);
    for (int lane = 0; lane < kLanes; ++lane) op.store(begin + lane, out + lane, kLanes);
  }
  for (int lane = 0; begin + lane < n; ++lane) {
    op.load(begin + lane, in + lane, kLanes);
    op.compute(in + lane, out + lane, sums + lane, kLanes);
    op.store(begin + lane, out + lane, kLanes);
  }
  for (int k = 0; k < Op::kSums; ++k) {
    result[k] = 0;
    for (int lane = 0; lane < kLanes; ++lane) result[k] += sums[k * kLanes + lane];
  }
}

}  // namespace fastcv::FASTCV_ISA
