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
// Rows of a task: a tile's rows times a few, so that the packed columns stay in the first-level cache.
constexpr std::int64_t kTaskRows = 96;

bool factor_diagonal(double* block, std::int64_t stride, int size) {
  FASTCV_DISPATCH(ba::factor_diagonal(block, stride, size));
}
void solve_rows(const double* diagonal, double* rows, std::int64_t stride, int size, std::int64_t count,
                double* packed) {
  FASTCV_DISPATCH(ba::solve_rows(diagonal, rows, stride, size, count, packed));
}
void subtract_product(double* c, const double* x, std::int64_t stride, int size, std::int64_t count,
                      const double* packed, std::int64_t columns) {
  FASTCV_DISPATCH(ba::subtract_product(c, x, stride, size, count, packed, columns));
}

}  // namespace

bool factor_columns(double* matrix, std::int64_t n, std::int64_t pivots, std::vector<double>& scratch,
                    int num_threads) {
  const std::int64_t stride = padded_stride(n);
  const int panel = pivots > kManyPivots ? kLargestPanel : kNarrowPanel;
  scratch.resize(std::max<std::size_t>(scratch.size(), panel * stride));
  double* packed = scratch.data();
  for (std::int64_t first = 0; first < pivots; first += panel) {
    const int size = static_cast<int>(std::min<std::int64_t>(panel, pivots - first));
    double* diagonal = matrix + first * stride + first;
    if (!factor_diagonal(diagonal, stride, size)) return false;
    const std::int64_t begin = first + size, rest = n - begin;
    if (rest == 0) break;
    double* below = matrix + begin * stride + first;
    // Small trailing matrices stay on one thread: a hand-over costs more than it saves.
    const int threads = rest * rest * size < (1 << 20) ? 1 : num_threads;
    parallel_for(rest, 4 * kTileColumns, threads, [&](std::int64_t i, std::int64_t end) {
      solve_rows(diagonal, below + i * stride, stride, size, end - i, packed + i * size);
    });
    // Each task a band of rows; long bands come first, so that the last ones even out the threads.
    const std::int64_t tasks = (rest + kTaskRows - 1) / kTaskRows;
    parallel_for(tasks, 1, threads, [&](std::int64_t task, std::int64_t) {
      const std::int64_t i = (tasks - 1 - task) * kTaskRows, count = std::min(kTaskRows, rest - i);
      const std::int64_t columns = (i + count + kTileColumns - 1) / kTileColumns * kTileColumns;
      subtract_product(below + i * stride + size, below + i * stride, stride, size, count, packed, columns);
    });
  }
  return true;
}

}  // namespace fastcv::ba
