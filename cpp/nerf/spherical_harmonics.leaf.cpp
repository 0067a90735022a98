// SPDX-License-Identifier: Apache-2.0
// Spherical harmonics over columns of directions, a vector of them at a time. Compiled once per instruction set.

// Of the two sums of products that make (x + i y)^m, GCC 12 makes one fused instruction, -ffp-contract=off or not,
// where it lays scalars side by side; vectors are explicit here.
#pragma GCC optimize("no-tree-slp-vectorize")
#include "nerf/spherical_harmonics.hd.h"
// The declarations come after what they mention.
#include "nerf/spherical_harmonics.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

template <class T>
struct VectorOf {
  using Type = T;
};
template <>
struct VectorOf<float> {
  using Type = Floats;
};

// Calls body(i, x, y, z) for every vector of directions; columns have room for whole ones.
template <class W, class T, class Body>
void for_vectors(const T* directions, const T* tangents, std::int64_t stride, std::int64_t count, const Body& body) {
  using F = typename Sought<W>::Real;
  for (std::int64_t i = 0; i < count; i += GridLanes<F>::kCount) {
    W at[3];
    FASTCV_UNROLL
    for (int d = 0; d < 3; ++d) {
      const F v = tangents == nullptr ? F{} : GridLanes<F>::load(tangents + d * stride + i);
      at[d] = Sought<W>::number(GridLanes<F>::load(directions + d * stride + i), v);
    }
    body(i, at[0], at[1], at[2]);
  }
}

// Calls run.template operator()<W>().
template <class T, class Run>
void with_numbers(const T* tangents, const Run& run) {
  using F = typename VectorOf<T>::Type;
  tangents == nullptr ? run.template operator()<F>() : run.template operator()<Along<F>>();
}

}  // namespace

template <class T>
void spherical_harmonics(int degree, const T* directions, const T* tangents, std::int64_t stride, std::int64_t count,
                         T* out) {
  with_numbers(tangents, [&]<class W>() {
    using F = typename Sought<W>::Real;
    for_vectors<W>(directions, tangents, stride, count, [&](std::int64_t i, const W& x, const W& y, const W& z) {
      FASTCV_ISA::spherical_harmonics(
          degree, x, y, z, [&](int place, const F& value) { GridLanes<F>::store(out + place * stride + i, value); });
    });
  });
}

template <class T>
void spherical_harmonics_vjp(int degree, const T* directions, const T* tangents, const T* grad, std::int64_t stride,
                             std::int64_t count, T* out) {
  with_numbers(tangents, [&]<class W>() {
    using F = typename Sought<W>::Real;
    for_vectors<W>(directions, tangents, stride, count, [&](std::int64_t i, const W& x, const W& y, const W& z) {
      F result[3];
      FASTCV_ISA::spherical_harmonics_vjp(
          degree, x, y, z, [&](int place) { return GridLanes<F>::load(grad + place * stride + i); }, result);
      for (int d = 0; d < 3; ++d) GridLanes<F>::store(out + d * stride + i, result[d]);
    });
  });
}

#define FASTCV_INSTANTIATE(T)                                                                 \
  template void spherical_harmonics(int, const T*, const T*, std::int64_t, std::int64_t, T*); \
  template void spherical_harmonics_vjp(int, const T*, const T*, const T*, std::int64_t, std::int64_t, T*);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::FASTCV_ISA::nerf
