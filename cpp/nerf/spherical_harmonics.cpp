// SPDX-License-Identifier: Apache-2.0
// Splits directions over threads and turns blocks of them into columns for the leaf.
#include "nerf/spherical_harmonics.h"

#include <algorithm>

#include "core/huge_pages.h"
#include "core/parallel.h"
#include "nerf/transpose.h"

#define FASTCV_LEAF "nerf/spherical_harmonics.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

constexpr std::int64_t kBlock = 64;    // directions: their columns stay in the nearest cache
constexpr std::int64_t kGrain = 4096;  // directions, 0.05 to 0.3 ms

template <class P>
void encode_block(int degree, const P* directions, const P* tangents, std::int64_t count, P* out) {
  FASTCV_DISPATCH(nerf::spherical_harmonics(degree, directions, tangents, kBlock, count, out));
}
template <class P>
void vjp_block(int degree, const P* directions, const P* tangents, const P* grad, std::int64_t count, P* out) {
  FASTCV_DISPATCH(nerf::spherical_harmonics_vjp(degree, directions, tangents, grad, kBlock, count, out));
}

// Calls body(begin, count, directions, tangents), the latter two as columns.
template <class P, class Body>
void for_blocks(const P* directions, const P* tangents, std::int64_t rows, int num_threads, const Body& body) {
  parallel_for(rows, kGrain, num_threads, [&](std::int64_t first, std::int64_t last) {
    P at[3 * kBlock] = {}, along[3 * kBlock] = {};
    for (std::int64_t begin = first; begin < last; begin += kBlock) {
      const std::int64_t count = std::min(kBlock, last - begin);
      transpose(directions + 3 * begin, count, 3, 3, at, kBlock);
      if (tangents != nullptr) transpose(tangents + 3 * begin, count, 3, 3, along, kBlock);
      body(begin, count, at, tangents == nullptr ? nullptr : along);
    }
  });
}

}  // namespace

template <class P>
void spherical_harmonics(int degree, const P* directions, const P* tangents, std::int64_t rows, P* out,
                         int num_threads) {
  const std::int64_t width = std::int64_t(degree) * degree;
  advise_huge_pages(out, static_cast<std::size_t>(rows * width) * sizeof(P));
  for_blocks(directions, tangents, rows, num_threads,
             [&](std::int64_t begin, std::int64_t count, const P* at, const P* along) {
               P columns[kBlock * kMaxSphericalDegree * kMaxSphericalDegree];
               encode_block(degree, at, along, count, columns);
               transpose(columns, width, count, kBlock, out + begin * width, width);
             });
}

template <class P>
void spherical_harmonics_vjp(int degree, const P* directions, const P* tangents, std::int64_t rows, const P* grad,
                             P* out, int num_threads) {
  const std::int64_t width = std::int64_t(degree) * degree;
  for_blocks(directions, tangents, rows, num_threads,
             [&](std::int64_t begin, std::int64_t count, const P* at, const P* along) {
               P columns[kBlock * kMaxSphericalDegree * kMaxSphericalDegree], result[3 * kBlock];
               transpose(grad + begin * width, count, width, width, columns, kBlock);
               vjp_block(degree, at, along, columns, count, result);
               transpose(result, 3, count, kBlock, out + 3 * begin, 3);
             });
}

#define FASTCV_INSTANTIATE(P)                                                        \
  template void spherical_harmonics(int, const P*, const P*, std::int64_t, P*, int); \
  template void spherical_harmonics_vjp(int, const P*, const P*, std::int64_t, const P*, P*, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::nerf
