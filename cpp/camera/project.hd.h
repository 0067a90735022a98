// SPDX-License-Identifier: Apache-2.0
// The work of one point; the CPU loop and the CUDA kernel both call exactly this.
#pragma once

#include "camera/models.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

template <class Model, class T>
struct ProjectOne {
  T params[Model::kNumParams];
  Rows<const T, 3> points;
  Rows<T, 2> pixels;

  FASTCV_HD void operator()(std::int64_t i) const {
    const T* p = points[i];
    const Vec2<T> pixel = Model::project(params, Vec3<T>{p[0], p[1], p[2]});
    pixels[i][0] = pixel.x;
    pixels[i][1] = pixel.y;
  }
};

}  // namespace fastcv::FASTCV_ISA
