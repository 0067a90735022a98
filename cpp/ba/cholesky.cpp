// SPDX-License-Identifier: Apache-2.0
// The blocked loop of the factorisation: panels one after the other, the tiles of each in parallel.
#include "ba/cholesky.h"

#include <algorithm>

#include "core/parallel.h"

#define FASTCV_LEAF "ba/cholesky_panel.leaf.h"
#include "core/leaf.h"

namespace fastcv::ba {
namespace {

// Wide panels pass less often over a large matrix, narrow ones leave more of a small one to the fast tiles.
constexpr int kNarrowPanel = 48;
constexpr std::int64_t kManyPivots = 512;
static_assert(kBandRows % kLargestPanel == 0 &&
              kLargestPanel % kNarrowPanel == 0);  // a panel's diagonal is in one band

bool factor_diagonal(double* block, std::int64_t stride, int size) {
  FASTCV_DISPATCH(ba::factor_diagonal(block, stride, size));
}
void solve_rows(const double* diagonal, std::int64_t stride, double* const* rows, int size, std::int64_t count,
                double* packed) {
  FASTCV_DISPATCH(ba::solve_rows(diagonal, stride, rows, size, count, packed));
}
void subtract_product(double* c, const double* x, std::int64_t stride, int size, std::int64_t count,
                      const double* packed, std::int64_t columns) {
  FASTCV_DISPATCH(ba::subtract_product(c, x, stride, size, count, packed, columns));
}

}  // namespace

bool factor_columns(double* matrix, std::int64_t n, std::int64_t pivots, std::vector<double>& scratch,
                    int num_threads) {
  const int panel = pivots > kManyPivots ? kLargestPanel : kNarrowPanel;
  scratch.resize(std::max<std::size_t>(scratch.size(), panel * (n + kTileColumns)));
  double* packed = scratch.data();
  std::vector<double*> rows(n);  // from the panel's first column on
  for (std::int64_t first = 0; first < pivots; first += panel) {
    const int size = static_cast<int>(std::min<std::int64_t>(panel, pivots - first));
    for (std::int64_t i = first; i < n; ++i) rows[i] = matrix + row_place(n, i) + first;
    if (!factor_diagonal(rows[first], band_stride(n, first), size)) return false;
    const std::int64_t begin = first + size, rest = n - begin;
    if (rest == 0) break;
    // Small trailing matrices stay on one thread: a hand-over costs more than it saves.
    const int threads = rest * rest * size < (1 << 20) ? 1 : num_threads;
    parallel_for(rest, 4 * kTileColumns, threads, [&](std::int64_t i, std::int64_t end) {
      solve_rows(rows[first], band_stride(n, first), rows.data() + begin + i, size, end - i, packed + i * size);
    });
    // Each task a band of rows, so that the packed columns stay in the first-level cache; long ones come first, so that
    // the last ones even out the threads.
    const std::int64_t first_band = begin / kBandRows, last_band = (n - 1) / kBandRows;
    parallel_for(last_band - first_band + 1, 1, threads, [&](std::int64_t task, std::int64_t) {
      const std::int64_t band = last_band - task;
      const std::int64_t i = std::max(begin, band * kBandRows), end = std::min(n, (band + 1) * kBandRows);
      const std::int64_t columns = (end - begin + kTileColumns - 1) / kTileColumns * kTileColumns;
      subtract_product(rows[i] + size, rows[i], band_stride(n, i), size, end - i, packed, columns);
    });
  }
  return true;
}

}  // namespace fastcv::ba
