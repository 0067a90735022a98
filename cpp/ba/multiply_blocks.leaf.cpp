// SPDX-License-Identifier: Apache-2.0
// Products of the reduced system's blocks with vectors, one instance per number of columns.
#pragma GCC optimize("fp-contract=fast")
#include <cstdint>

#include "ba/columns.hd.h"
#include "ba/row.hd.h"
#include "core/host_device.h"
// The declarations come after what they mention.
#include "ba/multiply_blocks.leaf.h"

namespace fastcv::FASTCV_ISA::ba {
namespace {

constexpr int wide(int size) { return size < 8 ? size : size / 8 * 8; }  // columns that block_index() keeps in rows

template <int S>
void multiply(const double* block, const std::int32_t* others, std::int64_t count, const double* x, double* y) {
  constexpr int kWide = wide(S);
  Row<kWide> sums[S] = {};  // by row, added up at the end
  Row<S> rest = Row<S>::load(y);
  for (std::int64_t b = 0; b < count; ++b, block += S * S) {
    const double* xb = x + std::int64_t(others[b]) * S;
    const Row<kWide> head = Row<kWide>::load(xb);
    FASTCV_UNROLL
    for (int r = 0; r < S; ++r) sums[r] = sums[r].plus(Row<kWide>::load(block + r * kWide), head);
    FASTCV_UNROLL
    for (int c = kWide; c < S; ++c) rest = rest.plus(xb[c], Row<S>::load(block + c * S));
  }
  rest.store(y);
  for (int r = 0; r < S; ++r) y[r] += add_up(sums[r]);
}

template <int S>
void multiply_transposed(const double* blocks, const std::int64_t* places, const std::int32_t* others,
                         std::int64_t count, const double* x, double* y) {
  constexpr int kWide = wide(S);
  Row<kWide> heads[3] = {Row<kWide>::load(y)};  // in turn, so that none waits for the one before
  Row<S> sums[S - kWide + 1] = {};              // of the columns behind the rows; the last one is not used
  for (std::int64_t b = 0; b < count; ++b) {
    const double *block = blocks + places[b] * (S * S), *xb = x + std::int64_t(others[b]) * S;
    FASTCV_UNROLL
    for (int r = 0; r < S; ++r) heads[r % 3] = heads[r % 3].plus(xb[r], Row<kWide>::load(block + r * kWide));
    FASTCV_UNROLL
    for (int c = kWide; c < S; ++c)
      sums[c - kWide] = sums[c - kWide].plus(Row<S>::load(block + c * S), Row<S>::load(xb));
  }
  heads[0].plus(1, heads[1], 1, heads[2]).store(y);
  for (int c = kWide; c < S; ++c) y[c] += add_up(sums[c - kWide]);
}

}  // namespace

void multiply_blocks(int columns, const double* blocks, const std::int32_t* others, std::int64_t count, const double* x,
                     double* y) {
  with_columns(columns, [&](auto size) { multiply<decltype(size)::kSize>(blocks, others, count, x, y); });
}

void multiply_transposed_blocks(int columns, const double* blocks, const std::int64_t* places,
                                const std::int32_t* others, std::int64_t count, const double* x, double* y) {
  with_columns(columns,
               [&](auto size) { multiply_transposed<decltype(size)::kSize>(blocks, places, others, count, x, y); });
}

}  // namespace fastcv::FASTCV_ISA::ba
