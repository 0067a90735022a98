// SPDX-License-Identifier: Apache-2.0
// Many small problems at once: the items of one large one that share no unknown.
#pragma once

#include "ba/solve.h"

namespace fastcv::ba {

struct BatchSummary {
  // For each item.
  View<double, 1> initial_costs, final_costs;
  View<std::int32_t, 1> num_iterations, terminations;  // steps tried; Termination
};

// Solves every item on its own, several at a time, each by one thread: the same result for any number of threads.
// image_items (I,) tells an image's item, in [0, number of items). A free point or camera belongs to one item alone.
// The time limit is that of the whole; items that it leaves out keep their state. Throws what the poll for Ctrl-C
// throws; the items that are done are then written.
void solve_batch(const Problem& problem, View<const std::int32_t, 1> image_items, const Options& options,
                 const BatchSummary& summary);

}  // namespace fastcv::ba
