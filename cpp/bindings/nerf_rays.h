// SPDX-License-Identifier: Apache-2.0
// Arguments of rays. Shared by the CPU and CUDA bindings.
#pragma once

#include <optional>

#include <nanobind/stl/optional.h>

#include "bindings/arrays.h"
#include "nerf/rays.h"

namespace fastcv::bindings {

using CameraRows = HostMatrix<double, nerf::kCameraRow>;

template <class T>
const T* data_or_null(const std::optional<ViewArg<const T, 1>>& array) {
  return array ? array->data() : nullptr;
}

template <class P>
nerf::RayPixels<P> ray_pixels(const RowsArg<const P, 2>& pixels,
                              const std::optional<ViewArg<const std::int64_t, 1>>& images) {
  return {pixels.data(), data_or_null(images), static_cast<std::int64_t>(pixels.shape(0))};
}

inline nerf::RayBox ray_box(const HostNumbers<double, 6>& box) {
  nerf::RayBox result;
  for (int i = 0; i < 3; ++i) {
    result.low[i] = static_cast<float>(box.data()[i]);
    result.high[i] = static_cast<float>(box.data()[3 + i]);
  }
  return result;
}

inline nerf::RayRange ray_range(const HostNumbers<double, 2>& range) {
  return {static_cast<float>(range.data()[0]), static_cast<float>(range.data()[1])};
}

// The arguments that clip_box and clip_sphere take alike.
#define FASTCV_CLIP_ARGS \
  array("shape"), array("range"), array("origins"), array("directions"), array("near"), array("far")

}  // namespace fastcv::bindings
