// SPDX-License-Identifier: Apache-2.0
// The arithmetic of the dense Cholesky factorisation, in register tiles.
#pragma GCC optimize("fp-contract=fast")
#include <cmath>
#include <cstdint>

#include "ba/cholesky.h"
#include "core/host_device.h"
// The declarations come after what they mention.
#include "ba/cholesky_panel.leaf.h"

namespace fastcv::FASTCV_ISA::ba {
namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 8, kTileRows = 8;
#elif defined(__AVX2__)
constexpr int kWidth = 4, kTileRows = 4;
#else
constexpr int kWidth = 2, kTileRows = 4;
#endif
constexpr int kVectors = 3;  // tiles of kTileRows x (3 kWidth): as many sums as fit the registers
static_assert(fastcv::ba::kTileColumns % (kVectors * kWidth) == 0);

typedef double Doubles __attribute__((vector_size(8 * kWidth)));
typedef double DoublesHere __attribute__((vector_size(8 * kWidth), aligned(8), may_alias));

FASTCV_HD Doubles load(const double* from) { return *reinterpret_cast<const DoublesHere*>(from); }
FASTCV_HD void store(double* to, Doubles v) { *reinterpret_cast<DoublesHere*>(to) = v; }

template <int R>
FASTCV_HD void tile(double* c, const double* x, std::int64_t stride, int size, const double* packed,
                    std::int64_t packed_stride) {
  Doubles sums[R][kVectors];
  FASTCV_UNROLL
  for (int r = 0; r < R; ++r) {
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[r][v] = load(c + r * stride + v * kWidth);
  }
  for (int k = 0; k < size; ++k) {
    Doubles y[kVectors];
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) y[v] = load(packed + k * packed_stride + v * kWidth);
    FASTCV_UNROLL
    for (int r = 0; r < R; ++r) {
      const double xk = x[r * stride + k];
      FASTCV_UNROLL
      for (int v = 0; v < kVectors; ++v) sums[r][v] -= xk * y[v];
    }
  }
  FASTCV_UNROLL
  for (int r = 0; r < R; ++r) {
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) store(c + r * stride + v * kWidth, sums[r][v]);
  }
}

}  // namespace

bool factor_diagonal(double* block, std::int64_t stride, int size) {
  for (int i = 0; i < size; ++i) {
    double* row = block + i * stride;
    for (int j = 0; j <= i; ++j) {
      const double* other = block + j * stride;
      // Two running sums shorten the chain of dependent additions.
      double sum0 = row[j], sum1 = 0;
      int k = 0;
      for (; k + 1 < j; k += 2) {
        sum0 -= row[k] * other[k];
        sum1 -= row[k + 1] * other[k + 1];
      }
      if (k < j) sum0 -= row[k] * other[k];
      const double sum = sum0 + sum1;
      if (j < i) {
        row[j] = sum / other[j];
      } else if (sum > 0) {  // false for NaN
        row[j] = std::sqrt(sum);
      } else {
        return false;
      }
    }
  }
  return true;
}

void solve_rows(const double* diagonal, double* rows, std::int64_t stride, int size, std::int64_t count, double* packed,
                std::int64_t packed_stride) {
  constexpr std::int64_t kTile = fastcv::ba::kTileColumns;
  for (std::int64_t begin = 0; begin < count; begin += kTile) {
    const std::int64_t width = count - begin < kTile ? count - begin : kTile;
    double* p = packed + begin;
    for (int k = 0; k < size; ++k) {
      for (std::int64_t i = 0; i < width; ++i) p[k * packed_stride + i] = rows[(begin + i) * stride + k];
      for (std::int64_t i = width; i < kTile; ++i) p[k * packed_stride + i] = 0;
    }
    for (int k = 0; k < size; ++k) {
      const double* l = diagonal + k * stride;
      const double inverse = 1 / l[k];
      constexpr int kParts = kTile / kWidth;
      Doubles sums[kParts];
      FASTCV_UNROLL
      for (int v = 0; v < kParts; ++v) sums[v] = load(p + k * packed_stride + v * kWidth);
      for (int m = 0; m < k; ++m) {
        FASTCV_UNROLL
        for (int v = 0; v < kParts; ++v) sums[v] -= l[m] * load(p + m * packed_stride + v * kWidth);
      }
      FASTCV_UNROLL
      for (int v = 0; v < kParts; ++v) store(p + k * packed_stride + v * kWidth, sums[v] * inverse);
    }
    for (std::int64_t i = 0; i < width; ++i) {
      for (int k = 0; k < size; ++k) rows[(begin + i) * stride + k] = p[k * packed_stride + i];
    }
  }
}

void subtract_product(double* c, const double* x, std::int64_t stride, int size, std::int64_t count,
                      const double* packed, std::int64_t packed_stride, std::int64_t columns) {
  for (std::int64_t j = 0; j < columns; j += kVectors * kWidth) {
    std::int64_t i = 0;
    for (; i + kTileRows <= count; i += kTileRows) {
      tile<kTileRows>(c + i * stride + j, x + i * stride, stride, size, packed + j, packed_stride);
    }
    for (; i < count; ++i) tile<1>(c + i * stride + j, x + i * stride, stride, size, packed + j, packed_stride);
  }
}

}  // namespace fastcv::FASTCV_ISA::ba
