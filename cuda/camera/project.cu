// SPDX-License-Identifier: Apache-2.0
// Projection, one thread a point.
#include "camera/project.hd.h"
#include "cuda/camera/project.h"
#include "cuda/core/launch.cuh"

namespace fastcv::cuda::camera {

template <class T>
void project(int, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, cudaStream_t stream) {
  gpu::ProjectOne<gpu::Pinhole, T> one{{}, points, pixels};
  for (int k = 0; k < gpu::Pinhole::kNumParams; ++k) one.params[k] = static_cast<T>(params[k]);
  for_each(points.rows, one, stream);
}

template void project(int, const double*, Rows<const float, 3>, Rows<float, 2>, cudaStream_t);
template void project(int, const double*, Rows<const double, 3>, Rows<double, 2>, cudaStream_t);

}  // namespace fastcv::cuda::camera
