// SPDX-License-Identifier: Apache-2.0
// Projection loops, compiled once per instruction set.
#include "camera/project.hd.h"
// The declarations come after what they mention.
#include "camera/project.leaf.h"

namespace fastcv::FASTCV_ISA::camera {

template <class T>
void project(int, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels) {
  ProjectOne<Pinhole, T> one{{}, points, pixels};
  for (int k = 0; k < Pinhole::kNumParams; ++k) one.params[k] = static_cast<T>(params[k]);
  for (std::int64_t i = 0; i < points.rows; ++i) one(i);
}

template void project(int, const double*, Rows<const float, 3>, Rows<float, 2>);
template void project(int, const double*, Rows<const double, 3>, Rows<double, 2>);

}  // namespace fastcv::FASTCV_ISA::camera
