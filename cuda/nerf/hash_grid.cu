// SPDX-License-Identifier: Apache-2.0
// The hash grid, one thread a point and level, or a point; blocks of a level stand side by side, so that its table
// stays in the cache. The table's gradient is sums over threads in no order; as integers they are the same in any.
#include "cuda/core/fixed_point.cuh"
#include "cuda/core/launch.cuh"
#include "cuda/nerf/hash_grid.h"
#include "nerf/hash_grid_one.hd.h"

namespace fastcv::cuda::nerf {
namespace {

// A point's weights in an entry add up to at most `weight`, along tangents to that times their largest coordinate.
struct FixedUnit {
  const unsigned *max_grad, *max_tangent;  // the second may be null
  double points, weight;
  double* unit;

  __device__ void operator()(std::int64_t) const {
    const double tangent = max_tangent == nullptr ? 1.0 : __uint_as_float(*max_tangent);
    *unit = fixed_unit(points * weight * tangent * __uint_as_float(*max_grad));
  }
};

struct AddFixed {
  unsigned long long* sums;
  const double* unit;
  __device__ void operator()(std::int64_t at, double value) const { atomicAdd(sums + at, to_fixed(value, *unit)); }
};

template <class P>
struct FromFixed {
  const unsigned long long* sums;
  const double* unit;
  P* out;
  bool accumulate;
  __device__ void operator()(std::int64_t i) const {
    const P sum = static_cast<P>(from_fixed(sums[i], *unit));
    out[i] = accumulate ? out[i] + sum : sum;
  }
};

double most_weight(const HashGrid& grid, bool along) {
  if (!along) return 1.0;
  double scale = 0;  // smoothstep rises by 3/2 a cell at most, which one corner gains along an axis and another loses
  for (int l = 0; l < grid.num_active; ++l) scale = grid.levels[l].scale > scale ? grid.levels[l].scale : scale;
  return 3.0 * grid.dims * scale;
}

}  // namespace

template <class P, class T>
void hash_grid(const HashGrid& grid, const GridPoints<P>& points, const T* table, P* out, cudaStream_t stream) {
  gpu::with_grid_element(grid, points, [&]<int D, class W>(const gpu::GridElement<D, W, P>& element) {
    for_each_row(grid.num_levels, points.rows, gpu::HashGridOne<D, W, P, T>{element, table, out}, stream);
  });
}

template <class P>
void hash_grid_table_vjp(const HashGrid& grid, const GridPoints<P>& points, const P* grad, P* out,
                         std::int64_t num_entries, bool accumulate, cudaStream_t stream) {
  const std::int64_t size = num_entries * grid.features;
  const Zeros<unsigned> largest(2, stream);
  const Zeros<double> unit(1, stream);
  const Zeros<unsigned long long> sums(size, stream);
  const bool along = points.tangents != nullptr;
  max_magnitude(grad, points.rows * grid.width(), largest.get(), stream);
  if (along) max_magnitude(points.tangents, points.rows * grid.dims, largest.get() + 1, stream);
  for_each(1,
           FixedUnit{largest.get(), along ? largest.get() + 1 : nullptr, static_cast<double>(points.rows),
                     most_weight(grid, along), unit.get()},
           stream);
  gpu::with_grid_element(grid, points, [&]<int D, class W>(const gpu::GridElement<D, W, P>& element) {
    const gpu::HashGridTableVjpOne<D, W, P, AddFixed> one{element, grad, {sums.get(), unit.get()}};
    for_each_row(grid.num_active, points.rows, one, stream);
  });
  for_each(size, FromFixed<P>{sums.get(), unit.get(), out, accumulate}, stream);
}

template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, const GridPoints<P>& points, const T* table, const P* grad, P* out,
                          cudaStream_t stream) {
  gpu::with_grid_element(grid, points, [&]<int D, class W>(const gpu::GridElement<D, W, P>& element) {
    for_each(points.rows, gpu::HashGridPointsVjpOne<D, W, P, T>{element, table, grad, out}, stream);
  });
}

#define FASTCV_INSTANTIATE(P, T)                                                              \
  template void hash_grid(const HashGrid&, const GridPoints<P>&, const T*, P*, cudaStream_t); \
  template void hash_grid_points_vjp(const HashGrid&, const GridPoints<P>&, const T*, const P*, P*, cudaStream_t);
FASTCV_INSTANTIATE(float, float)
FASTCV_INSTANTIATE(float, Half)
FASTCV_INSTANTIATE(double, double)
#undef FASTCV_INSTANTIATE
template void hash_grid_table_vjp(const HashGrid&, const GridPoints<float>&, const float*, float*, std::int64_t, bool,
                                  cudaStream_t);
template void hash_grid_table_vjp(const HashGrid&, const GridPoints<double>&, const double*, double*, std::int64_t,
                                  bool, cudaStream_t);

}  // namespace fastcv::cuda::nerf
