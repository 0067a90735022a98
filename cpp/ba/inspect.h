// SPDX-License-Identifier: Apache-2.0
// What a problem is like where it stands: what a solution should say beside its cost.
#pragma once

#include "ba/problem.h"

namespace fastcv::ba {

struct Inspection {
  std::int64_t num_components;  // groups of images that share no point, images without points not counted
  std::int64_t num_behind;      // observations of points behind the camera
};

Inspection inspect(const Problem& problem);

}  // namespace fastcv::ba
