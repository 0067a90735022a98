// SPDX-License-Identifier: Apache-2.0
// Splits rows of voxels over threads, and of a gradient views and slabs of rows, and calls the leaf for this processor.
#include "voxels/carve_soft.h"

#include <algorithm>
#include <vector>

#include "core/interrupt.h"
#include "core/parallel.h"

#define FASTCV_LEAF "voxels/carve_soft.leaf.h"
#include "core/leaf.h"

namespace fastcv::voxels {
namespace {

template <class T>
void carve_rows(const SoftCarving<T>& carving, std::int64_t begin, std::int64_t end, T* out) {
  FASTCV_DISPATCH(voxels::carve_soft(carving, begin, end, out));
}
template <class T>
void weigh_rows(const SoftCarving<T>& carving, std::int64_t begin, std::int64_t end, const T* grad, T* weights) {
  FASTCV_DISPATCH(voxels::weigh_soft(carving, begin, end, grad, weights));
}
template <class T>
void scatter_rows(const SoftCarving<T>& carving, std::int64_t view, std::int64_t begin, std::int64_t end,
                  const T* weights, double* sums) {
  FASTCV_DISPATCH(voxels::scatter_soft(carving, view, begin, end, weights, sums));
}

// Rows of so many voxel-views that they take about a millisecond.
template <class T>
std::int64_t rows_at_once(const SoftCarving<T>& carving, std::int64_t views) {
  return std::max<std::int64_t>(1, (1 << 18) / (carving.shape[2] * std::max<std::int64_t>(1, views)));
}

// A view's gradient is summed slab by slab of rows: enough slabs to keep threads busy where there are few views, and
// the same for any number of threads.
template <class T>
struct Slabs {
  static constexpr std::int64_t kTasks = 16;
  const SoftCarving<T>& carving;
  std::int64_t rows = carving.shape[0] * carving.shape[1];
  std::int64_t count = std::clamp<std::int64_t>(kTasks / std::max<std::int64_t>(1, carving.count), 1, rows);

  std::vector<double> sum(std::int64_t view, std::int64_t slab, const T* weights) const {
    const std::int64_t* layout = carving.layout + view * kSoftLayout;
    std::vector<double> sums(layout[0] * layout[1]);
    const std::int64_t step = rows_at_once(carving, 1), end = rows * (slab + 1) / count;
    for (std::int64_t row = rows * slab / count; row < end; row += step) {
      poll_interrupt();
      scatter_rows(carving, view, row, std::min(end, row + step), weights, sums.data());
    }
    return sums;
  }
};

}  // namespace

template <class T>
void carve_soft(const SoftCarving<T>& carving, T* out, int num_threads) {
  parallel_for(carving.shape[0] * carving.shape[1], rows_at_once(carving, carving.count), num_threads,
               [&](std::int64_t begin, std::int64_t end) { carve_rows(carving, begin, end, out); });
}

template <class T>
void carve_soft_vjp(const SoftCarving<T>& carving, const T* grad, T* weights, T* out, int num_threads) {
  const Slabs<T> slabs{carving};
  parallel_for(slabs.rows, rows_at_once(carving, carving.count), num_threads,
               [&](std::int64_t begin, std::int64_t end) { weigh_rows(carving, begin, end, grad, weights); });
  std::vector<std::vector<double>> sums(carving.count * slabs.count);
  const auto write = [&](std::int64_t view) {
    T* pixels = out + carving.layout[view * kSoftLayout + 2];
    std::vector<double>& total = sums[view * slabs.count];
    for (std::int64_t slab = 1; slab < slabs.count; ++slab) {
      const std::vector<double>& part = sums[view * slabs.count + slab];
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
    }
    for (std::size_t i = 0; i < total.size(); ++i) pixels[i] = static_cast<T>(total[i]);
    std::vector<double>().swap(total);
  };
  parallel_for(carving.count * slabs.count, 1, num_threads, [&](std::int64_t i, std::int64_t) {
    sums[i] = slabs.sum(i / slabs.count, i % slabs.count, weights);
    if (slabs.count == 1) write(i);  // so that one view's sums a thread are alive
  });
  if (slabs.count > 1) parallel_for(carving.count, 1, num_threads, [&](std::int64_t i, std::int64_t) { write(i); });
}

template void carve_soft(const SoftCarving<float>&, float*, int);
template void carve_soft(const SoftCarving<double>&, double*, int);
template void carve_soft_vjp(const SoftCarving<float>&, const float*, float*, float*, int);
template void carve_soft_vjp(const SoftCarving<double>&, const double*, double*, double*, int);

}  // namespace fastcv::voxels
