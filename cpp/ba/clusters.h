// SPDX-License-Identifier: Apache-2.0
// The clusters of a coarse space: frames that see the same points, with the intrinsics that are their images' own.
#pragma once

#include <vector>

#include "ba/coarse_modes.hd.h"
#include "ba/equations.h"
#include "ba/unknowns.h"

namespace fastcv::ba {

class Clusters {
 public:
  static constexpr int kSmallest = 10;  // frames

  Clusters(const Equations& equations, const Unknowns& unknowns);
  // Clusters of up to `size` frames. Frames without unknowns of their own are in none.
  void make(int size);

  // Unknowns of the coarse space for each cluster: modes of its poses, then of its own intrinsics.
  int columns() const { return generic::ba::kModes + num_intrinsics_; }
  int num_intrinsics() const { return num_intrinsics_; }
  // (num_intrinsics,) the unknown where no other image has it, else -1.
  const std::int32_t* own(std::int64_t image) const { return own_.data() + image * num_intrinsics_; }

  std::int32_t count() const { return static_cast<std::int32_t>(frames_.size()); }
  std::int32_t of_image(std::int64_t image) const { return of_frame_[unknowns_.frame(image)]; }  // -1 of none
  const std::vector<std::int32_t>& frames(std::int64_t cluster) const { return frames_[cluster]; }
  const std::vector<std::int32_t>& images(std::int64_t cluster) const { return images_[cluster]; }

 private:
  void find_own_intrinsics();

  const Equations& equations_;
  const Unknowns& unknowns_;
  int num_intrinsics_;
  std::vector<std::int32_t> own_, of_frame_;
  std::vector<std::vector<std::int32_t>> frames_, images_;  // of each cluster
};

}  // namespace fastcv::ba
