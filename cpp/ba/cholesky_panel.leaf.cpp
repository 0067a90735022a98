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
constexpr std::int64_t kTile = fastcv::ba::kTileColumns;
constexpr int kVectors = 3;  // tiles of kTileRows x (3 kWidth): as many sums as fit the registers
static_assert(kTile % (kVectors * kWidth) == 0);

typedef double Doubles __attribute__((vector_size(8 * kWidth)));
typedef double DoublesHere __attribute__((vector_size(8 * kWidth), aligned(8), may_alias));

FASTCV_HD Doubles load(const double* from) { return *reinterpret_cast<const DoublesHere*>(from); }
FASTCV_HD void store(double* to, Doubles v) { *reinterpret_cast<DoublesHere*>(to) = v; }

template <int R>
FASTCV_HD void tile(double* c, const double* x, std::int64_t stride, int size, const double* packed) {
  Doubles sums[R][kVectors];
  FASTCV_UNROLL
  for (int r = 0; r < R; ++r) {
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[r][v] = load(c + r * stride + v * kWidth);
  }
  for (int k = 0; k < size; ++k) {
    Doubles y[kVectors];
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) y[v] = load(packed + k * kTile + v * kWidth);
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
  double column[fastcv::ba::kLargestPanel];  // of the factor, side by side where the matrix has it one below the other
  for (int k = 0; k < size; ++k) {
    const double pivot = block[k * stride + k];
    if (!(pivot > 0)) return false;  // NaN too
    const double root = std::sqrt(pivot), inverse = 1 / root;
    block[k * stride + k] = root;
    for (int i = k + 1; i < size; ++i) column[i] = block[i * stride + k] *= inverse;
    for (int i = k + 1; i < size; ++i) {
      double* row = block + i * stride;
      const double factor = column[i];
      for (int j = k + 1; j <= i; ++j) row[j] -= factor * column[j];
    }
  }
  return true;
}

void solve_rows(const double* diagonal, std::int64_t stride, double* const* rows, int size, std::int64_t count,
                double* packed) {
  for (std::int64_t begin = 0; begin < count; begin += kTile) {
    const std::int64_t width = count - begin < kTile ? count - begin : kTile;
    double* p = packed + begin * size;
    for (int k = 0; k < size; ++k) {
      for (std::int64_t i = 0; i < width; ++i) p[k * kTile + i] = rows[begin + i][k];
      for (std::int64_t i = width; i < kTile; ++i) p[k * kTile + i] = 0;
    }
    for (int k = 0; k < size; ++k) {
      const double* l = diagonal + k * stride;
      const double inverse = 1 / l[k];
      constexpr int kParts = kTile / kWidth;
      Doubles sums[kParts];
      FASTCV_UNROLL
      for (int v = 0; v < kParts; ++v) sums[v] = load(p + k * kTile + v * kWidth);
      for (int m = 0; m < k; ++m) {
        FASTCV_UNROLL
        for (int v = 0; v < kParts; ++v) sums[v] -= l[m] * load(p + m * kTile + v * kWidth);
      }
      FASTCV_UNROLL
      for (int v = 0; v < kParts; ++v) store(p + k * kTile + v * kWidth, sums[v] * inverse);
    }
    for (std::int64_t i = 0; i < width; ++i) {
      for (int k = 0; k < size; ++k) rows[begin + i][k] = p[k * kTile + i];
    }
  }
}

void subtract_product(double* c, const double* x, std::int64_t stride, int size, std::int64_t count,
                      const double* packed, std::int64_t columns) {
  for (std::int64_t j = 0; j < columns; j += kVectors * kWidth) {
    const double* y = packed + j / kTile * kTile * size + j % kTile;
    std::int64_t i = 0;
    for (; i + kTileRows <= count; i += kTileRows) {
      tile<kTileRows>(c + i * stride + j, x + i * stride, stride, size, y);
    }
    for (; i < count; ++i) tile<1>(c + i * stride + j, x + i * stride, stride, size, y);
  }
}

}  // namespace fastcv::FASTCV_ISA::ba
