// SPDX-License-Identifier: Apache-2.0
// Small vectors for per-element code.
#pragma once

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

template <class T>
struct Vec2 {
  T x, y;
};

template <class T>
struct Vec3 {
  T x, y, z;
};

}  // namespace fastcv::FASTCV_ISA
