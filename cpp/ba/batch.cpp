// SPDX-License-Identifier: Apache-2.0
#include "ba/batch.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <vector>

#include "core/parallel.h"

namespace fastcv::ba {
namespace {

using Clock = std::chrono::steady_clock;

// Positions sorted by item, and where each item's begin.
struct Grouped {
  std::vector<std::int64_t> begin, members;

  template <class ItemOf>
  Grouped(std::int64_t num_items, std::int64_t count, const ItemOf& item_of) : begin(num_items + 1, 0), members(count) {
    for (std::int64_t i = 0; i < count; ++i) ++begin[item_of(i) + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<std::int64_t> next(begin);
    for (std::int64_t i = 0; i < count; ++i) members[next[item_of(i)]++] = i;
  }
};

// Rows of the whole that an item uses, ascending, and their places in the item.
struct Subset {
  std::vector<std::int32_t> rows;

  explicit Subset(std::vector<std::int32_t> used) : rows(std::move(used)) {
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  }
  std::int32_t place(std::int32_t row) const {
    return static_cast<std::int32_t>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
  }
};

template <class T>
View<T, 1> view(std::vector<T>& values) {
  return {values.data(), {static_cast<std::int64_t>(values.size())}};
}
// std::vector<bool> has no array of bool.
using Flags = std::vector<std::uint8_t>;
View<const bool, 1> flags(const Flags& values) {
  return {reinterpret_cast<const bool*>(values.data()), {static_cast<std::int64_t>(values.size())}};
}

// A copy of one item as a problem of its own.
class Item {
 public:
  Item(const Problem& whole, const std::int64_t* images, std::int64_t num_images, const std::int64_t* observations,
       std::int64_t num_observations)
      : images_(used(num_images, [&](std::int64_t i) { return static_cast<std::int32_t>(images[i]); })),
        cameras_(used(num_images, [&](std::int64_t i) { return whole.image_cameras(images[i]); })),
        points_(used(num_observations, [&](std::int64_t i) { return whole.point_indices(observations[i]); })) {
    param_offsets_ = {0};
    for (const std::int32_t c : cameras_.rows) {
      models_.push_back(whole.camera_models(c));
      for (std::int64_t i = whole.param_offsets(c); i < whole.param_offsets(c + 1); ++i) {
        params_.push_back(whole.params(i));
        params_free_.push_back(whole.params_free(i));
      }
      param_offsets_.push_back(static_cast<std::int64_t>(params_.size()));
    }
    for (const std::int32_t i : images_.rows) {
      image_cameras_.push_back(cameras_.place(whole.image_cameras(i)));
      poses_.insert(poses_.end(), whole.cam_from_world[i], whole.cam_from_world[i] + 12);
      pose_free_.insert(pose_free_.end(), whole.pose_free[i], whole.pose_free[i] + 6);
    }
    for (const std::int32_t p : points_.rows) {
      xyz_.insert(xyz_.end(), whole.points[p], whole.points[p] + 3);
      points_free_.push_back(whole.points_free(p));
    }
    for (std::int64_t i = 0; i < num_observations; ++i) {
      const std::int64_t k = observations[i];
      image_indices_.push_back(images_.place(whole.image_indices(k)));
      point_indices_.push_back(points_.place(whole.point_indices(k)));
      observed_.insert(observed_.end(), whole.observations[k], whole.observations[k] + 2);
      weights_.push_back(whole.weights(k));
    }
  }

  Problem problem() {
    Problem p;
    p.camera_models = {models_.data(), {static_cast<std::int64_t>(models_.size())}};
    p.param_offsets = {param_offsets_.data(), {static_cast<std::int64_t>(param_offsets_.size())}};
    p.params = view(params_);
    p.params_free = flags(params_free_);
    p.image_cameras = {image_cameras_.data(), {static_cast<std::int64_t>(image_cameras_.size())}};
    p.cam_from_world = {poses_.data(), static_cast<std::int64_t>(images_.rows.size())};
    p.pose_free = {reinterpret_cast<const bool*>(pose_free_.data()), static_cast<std::int64_t>(images_.rows.size())};
    p.points = {xyz_.data(), static_cast<std::int64_t>(points_.rows.size())};
    p.points_free = flags(points_free_);
    p.image_indices = {image_indices_.data(), {static_cast<std::int64_t>(image_indices_.size())}};
    p.point_indices = {point_indices_.data(), {static_cast<std::int64_t>(point_indices_.size())}};
    p.observations = {observed_.data(), static_cast<std::int64_t>(weights_.size())};
    p.weights = {weights_.data(), {static_cast<std::int64_t>(weights_.size())}};
    return p;
  }

  // What is fixed may belong to other items too, and is left alone.
  void write_to(const Problem& whole) const {
    for (std::size_t i = 0; i < images_.rows.size(); ++i) {
      std::copy_n(poses_.data() + 12 * i, 12, whole.cam_from_world[images_.rows[i]]);
    }
    for (std::size_t c = 0; c < cameras_.rows.size(); ++c) {
      const std::int64_t to = whole.param_offsets(cameras_.rows[c]);
      for (std::int64_t i = param_offsets_[c]; i < param_offsets_[c + 1]; ++i) {
        if (params_free_[i]) whole.params(to + i - param_offsets_[c]) = params_[i];
      }
    }
    for (std::size_t p = 0; p < points_.rows.size(); ++p) {
      if (points_free_[p]) std::copy_n(xyz_.data() + 3 * p, 3, whole.points[points_.rows[p]]);
    }
  }

 private:
  template <class RowOf>
  static std::vector<std::int32_t> used(std::int64_t count, const RowOf& row_of) {
    std::vector<std::int32_t> rows(count);
    for (std::int64_t i = 0; i < count; ++i) rows[i] = row_of(i);
    return rows;
  }

  const Subset images_, cameras_, points_;
  std::vector<std::int32_t> models_, image_cameras_, image_indices_, point_indices_;
  std::vector<std::int64_t> param_offsets_;
  std::vector<double> params_, poses_, xyz_, observed_, weights_;
  Flags params_free_, pose_free_, points_free_;
};

}  // namespace

void solve_batch(const Problem& problem, View<const std::int32_t, 1> image_items, const Options& options,
                 const BatchSummary& summary) {
  const Clock::time_point start = Clock::now();
  const std::int64_t num_items = summary.final_costs.shape[0];
  const Grouped images(num_items, problem.num_images(), [&](std::int64_t i) { return image_items(i); });
  const Grouped observations(num_items, problem.num_observations(),
                             [&](std::int64_t k) { return image_items(problem.image_indices(k)); });
  parallel_for(num_items, 1, options.num_threads, [&](std::int64_t item, std::int64_t) {
    Options own = options;
    own.num_threads = 1;
    own.time_limit -= std::chrono::duration<double>(Clock::now() - start).count();
    Item part(problem, images.members.data() + images.begin[item], images.begin[item + 1] - images.begin[item],
              observations.members.data() + observations.begin[item],
              observations.begin[item + 1] - observations.begin[item]);
    const Summary result = solve_native(part.problem(), own, {});
    if (result.error) std::rethrow_exception(result.error);
    part.write_to(problem);
    summary.initial_costs(item) = result.initial_cost;
    summary.final_costs(item) = result.final_cost;
    summary.num_iterations(item) = static_cast<std::int32_t>(result.iterations.size()) - 1;
    summary.terminations(item) = static_cast<std::int32_t>(result.termination);
  });
}

}  // namespace fastcv::ba
