// SPDX-License-Identifier: Apache-2.0
// Errors one thread a pair; scores one block a model.
#include "cuda/core/launch.cuh"
#include "cuda/geometry/errors.h"
#include "geometry/errors.hd.h"

namespace fastcv::cuda::geometry {
namespace {

constexpr int kBlock = 128;

// Threads stride over the correspondences, then add up in a tree of fixed shape.
template <class Pairs, class T>
__global__ void score_kernel(Pairs pairs, const T* models, T inv_threshold2, Rows<double, 2> scores) {
  __shared__ double sums[kBlock], counts[kBlock];
  T model[Pairs::kModel];
  for (int k = 0; k < Pairs::kModel; ++k) model[k] = models[blockIdx.x * std::int64_t(Pairs::kModel) + k];
  double sum = 0.0, count = 0.0;
  for (std::int64_t i = threadIdx.x; i < pairs.rows(); i += kBlock) {
    const T gain = T(1) - pairs.squared_error(model, i) * inv_threshold2;
    sum += gain > T(0) ? static_cast<double>(gain) : 0.0;
    count += gain > T(0) ? 1.0 : 0.0;
  }
  sums[threadIdx.x] = sum;
  counts[threadIdx.x] = count;
  for (int width = kBlock / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) {
      sums[threadIdx.x] += sums[threadIdx.x + width];
      counts[threadIdx.x] += counts[threadIdx.x + width];
    }
  }
  if (threadIdx.x == 0) {
    scores[blockIdx.x][0] = sums[0];
    scores[blockIdx.x][1] = counts[0];
  }
}

template <class Pairs, class T>
void score(const Pairs& pairs, const T* models, double threshold, Rows<double, 2> scores, cudaStream_t stream) {
  if (scores.rows == 0) return;
  const T t = static_cast<T>(threshold);
  check(scores.rows <= 0x7fffffff ? cudaSuccess : cudaErrorInvalidConfiguration, "score");
  score_kernel<<<static_cast<unsigned>(scores.rows), kBlock, 0, stream>>>(pairs, models, T(1) / (t * t), scores);
  check(cudaGetLastError(), "score");
}

}  // namespace

template <class T>
void sampson_errors(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, T* errors,
                    cudaStream_t stream) {
  const gpu::ErrorOne<gpu::SampsonPairs<T>, T> one{{points1, points2}, models.data, errors};
  for_each(models.rows * points1.rows, one, stream);
}

template <class T>
void sampson_scores(Rows<const T, 2> points1, Rows<const T, 2> points2, Rows<const T, 9> models, double threshold,
                    Rows<double, 2> scores, cudaStream_t stream) {
  score(gpu::SampsonPairs<T>{points1, points2}, models.data, threshold, scores, stream);
}

template <class T>
void reprojection_scores(Rows<const T, 2> points2D, Rows<const T, 3> points3D, Rows<const T, 12> models,
                         double threshold, Rows<double, 2> scores, cudaStream_t stream) {
  score(gpu::ReprojectionPairs<T>{points2D, points3D}, models.data, threshold, scores, stream);
}

#define FASTCV_INSTANTIATE(T)                                                                                       \
  template void sampson_errors(Rows<const T, 2>, Rows<const T, 2>, Rows<const T, 9>, T*, cudaStream_t);             \
  template void sampson_scores(Rows<const T, 2>, Rows<const T, 2>, Rows<const T, 9>, double, Rows<double, 2>,       \
                               cudaStream_t);                                                                       \
  template void reprojection_scores(Rows<const T, 2>, Rows<const T, 3>, Rows<const T, 12>, double, Rows<double, 2>, \
                                    cudaStream_t)
FASTCV_INSTANTIATE(float);
FASTCV_INSTANTIATE(double);
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::geometry
