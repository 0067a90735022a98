// SPDX-License-Identifier: Apache-2.0
// A short row of doubles of a length known to the compiler, held in vectors of 8, 4, 2 and 1, so that a camera's 9
// columns cost two additions and not nine. Wider vectors than the machine has are split by the compiler.
#pragma once

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA::ba {

constexpr int lead(int size) { return size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1; }

template <int N>
struct Pack {
  typedef double Doubles __attribute__((vector_size(8 * N)));
  typedef float Floats __attribute__((vector_size(4 * N)));
  typedef double DoublesHere __attribute__((vector_size(8 * N), aligned(8), may_alias));
  typedef float FloatsHere __attribute__((vector_size(4 * N), aligned(4), may_alias));
};

template <int S>
struct Row {
  static constexpr int kLead = lead(S);
  typename Pack<kLead>::Doubles head;
  Row<S - kLead> tail;

  static FASTCV_HD Row load(const double* from) {
    return {*reinterpret_cast<const typename Pack<kLead>::DoublesHere*>(from), Row<S - kLead>::load(from + kLead)};
  }
  static FASTCV_HD Row load(const float* from) {
    const typename Pack<kLead>::Floats floats = *reinterpret_cast<const typename Pack<kLead>::FloatsHere*>(from);
    return {__builtin_convertvector(floats, typename Pack<kLead>::Doubles), Row<S - kLead>::load(from + kLead)};
  }
  static FASTCV_HD Row load(const float* from, double factor) {
    const typename Pack<kLead>::Floats floats = *reinterpret_cast<const typename Pack<kLead>::FloatsHere*>(from);
    return {factor * __builtin_convertvector(floats, typename Pack<kLead>::Doubles),
            Row<S - kLead>::load(from + kLead, factor)};
  }
  FASTCV_HD void store(double* to) const {
    *reinterpret_cast<typename Pack<kLead>::DoublesHere*>(to) = head;
    tail.store(to + kLead);
  }
  // this + a x + b y
  FASTCV_HD Row plus(double a, const Row& x, double b, const Row& y) const {
    return {head + a * x.head + b * y.head, tail.plus(a, x.tail, b, y.tail)};
  }
  FASTCV_HD Row plus(double a, const Row& x) const { return {head + a * x.head, tail.plus(a, x.tail)}; }
  FASTCV_HD Row plus(const Row& x, const Row& y) const { return {head + x.head * y.head, tail.plus(x.tail, y.tail)}; }
  static FASTCV_HD Row sum(double a, const Row& x, double b, const Row& y) {
    return {a * x.head + b * y.head, Row<S - kLead>::sum(a, x.tail, b, y.tail)};
  }
};

template <>
struct Row<0> {
  static FASTCV_HD Row load(const double*) { return {}; }
  static FASTCV_HD Row load(const float*) { return {}; }
  static FASTCV_HD Row load(const float*, double) { return {}; }
  FASTCV_HD void store(double*) const {}
  FASTCV_HD Row plus(double, const Row&, double, const Row&) const { return {}; }
  FASTCV_HD Row plus(double, const Row&) const { return {}; }
  FASTCV_HD Row plus(const Row&, const Row&) const { return {}; }
  static FASTCV_HD Row sum(double, const Row&, double, const Row&) { return {}; }
};

FASTCV_HD double add_up(const Pack<1>::Doubles& v) { return v[0]; }
FASTCV_HD double add_up(const Pack<2>::Doubles& v) { return v[0] + v[1]; }
FASTCV_HD double add_up(const Pack<4>::Doubles& v) {
  return add_up(__builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3));
}
FASTCV_HD double add_up(const Pack<8>::Doubles& v) {
  return add_up(__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7));
}

FASTCV_HD double add_up(const Row<0>&) { return 0; }
template <int S>
FASTCV_HD double add_up(const Row<S>& a) {
  return add_up(a.head) + add_up(a.tail);
}
FASTCV_HD double dot(const Row<0>&, const Row<0>&) { return 0; }
template <int S>
FASTCV_HD double dot(const Row<S>& a, const Row<S>& b) {
  return add_up(a.head * b.head) + dot(a.tail, b.tail);
}

}  // namespace fastcv::FASTCV_ISA::ba
