// SPDX-License-Identifier: Apache-2.0
// What a problem is like where it stands: what a solution should say beside its cost.
#pragma once

#include <utility>

#include "ba/problem.h"

namespace fastcv::ba {

struct Inspection {
  std::int64_t num_components;  // groups of images that share no point, images without points not counted
  std::int64_t num_behind;      // observations of points behind the camera
};

Inspection inspect(const Problem& problem);

// Whether observations come by point, then by image, and none twice.
bool are_sorted(View<const std::int32_t, 1> image_indices, View<const std::int32_t, 1> point_indices);

// Two observations of the same point in the same image, in their order: of the first such point the first such image.
// (-1, -1) for none.
std::pair<std::int64_t, std::int64_t> first_repetition(View<const std::int32_t, 1> image_indices,
                                                       View<const std::int32_t, 1> point_indices,
                                                       std::int64_t num_points);

// Adds 1 to the count of a row for each index that means it.
void count_rows(View<const std::int32_t, 1> indices, View<std::int32_t, 1> counts);

// The lowest and the highest item whose images use each row, where rows(k) is used by images(k); what nobody uses keeps
// its values.
void item_ranges(View<const std::int32_t, 1> rows, View<const std::int32_t, 1> images,
                 View<const std::int32_t, 1> image_items, View<std::int32_t, 1> low, View<std::int32_t, 1> high);

}  // namespace fastcv::ba
