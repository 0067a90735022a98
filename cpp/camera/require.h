// SPDX-License-Identifier: Apache-2.0
// The check that every op of this room makes.
#pragma once

#include <stdexcept>
#include <string>

namespace fastcv::camera {

inline void require_model(bool known, int model_id) {
  if (!known)
    throw std::invalid_argument("model_id: expected the number of a camera model, got " + std::to_string(model_id));
}

}  // namespace fastcv::camera
