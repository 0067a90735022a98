// SPDX-License-Identifier: Apache-2.0
#include "ba/batch.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <vector>

#include "core/interrupt.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

using Clock = std::chrono::steady_clock;

// The positions that belong to an item, ascending.
struct Members {
  const std::int64_t* positions;  // null where they follow one another
  std::int64_t first, count;

  std::int64_t size() const { return count; }
  std::int64_t operator[](std::int64_t i) const { return positions ? positions[i] : first + i; }
};

// Positions by item.
class Grouped {
 public:
  template <class ItemOf>
  Grouped(std::int64_t num_items, std::int64_t count, const ItemOf& item_of) : begin_(num_items + 1, 0) {
    bool sorted = true;
    std::int32_t last = 0;
    polled_for(count, [&](std::int64_t i) {
      const std::int32_t item = item_of(i);
      ++begin_[item + 1];
      sorted &= last <= item;
      last = item;
    });
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    if (sorted) return;
    positions_.resize(count);
    std::vector<std::int64_t> next(begin_);
    polled_for(count, [&](std::int64_t i) { positions_[next[item_of(i)]++] = i; });
  }
  Members of(std::int64_t item) const {
    const std::int64_t first = begin_[item], size = begin_[item + 1] - first;
    return {positions_.empty() ? nullptr : positions_.data() + first, first, size};
  }

 private:
  std::vector<std::int64_t> begin_, positions_;
};

// What belongs to each item.
struct Groups {
  Grouped images, observations, pose_priors, position_priors, point_priors, params_priors;

  Groups(const Problem& whole, View<const std::int32_t, 1> item_of_image, std::int64_t count)
      : Groups(whole, item_of_image, items_of_points(whole, item_of_image), count) {}

 private:
  Groups(const Problem& whole, View<const std::int32_t, 1> item, const std::vector<std::int32_t>& item_of_point,
         std::int64_t count)
      : images(count, whole.num_images(), item),
        observations(count, whole.num_observations(), [&](std::int64_t k) { return item(whole.image_indices(k)); }),
        pose_priors(count, whole.pose_priors.size(), [&](std::int64_t i) { return item(whole.pose_priors.rows(i)); }),
        position_priors(count, whole.position_priors.size(),
                        [&](std::int64_t i) { return item(whole.position_priors.rows(i)); }),
        point_priors(count, whole.point_priors.size(),
                     [&](std::int64_t i) { return item_of_point[whole.point_priors.rows(i)]; }),
        params_priors(count, whole.params_priors.size(),
                      [&](std::int64_t i) { return item(whole.params_priors.images(i)); }) {}

  static std::vector<std::int32_t> items_of_points(const Problem& whole, View<const std::int32_t, 1> item) {
    std::vector<std::int32_t> items(whole.point_priors.size() > 0 ? whole.num_points() : 0, 0);
    for (std::int64_t k = 0; k < whole.num_observations() && !items.empty(); ++k) {
      items[whole.point_indices(k)] = item(whole.image_indices(k));
    }
    return items;
  }
};

// Rows of the whole that an item uses, ascending, and their places in the item.
struct Subset {
  std::vector<std::int32_t> rows;

  explicit Subset(std::vector<std::int32_t> used) : rows(std::move(used)) {
    if (!std::is_sorted(rows.begin(), rows.end())) std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  }
  std::int32_t place(std::int32_t row) const {
    const auto offset = static_cast<std::size_t>(row - rows.front());  // an item's rows often follow one another
    if (offset < rows.size() && rows[offset] == row) return static_cast<std::int32_t>(offset);
    return static_cast<std::int32_t>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
  }
};

template <class To, class T>
View<To, 1> view(std::vector<T>& values) {
  return {values.data(), {static_cast<std::int64_t>(values.size())}};
}
// Rows of `width` numbers, one after the other.
template <class Positions, class T>
std::vector<T> gather(const Positions& rows, const T* from, std::int64_t width) {
  std::vector<T> to(rows.size() * width);
  T* next = to.data();
  for (std::int64_t i = 0; i < std::int64_t(rows.size()); ++i) next = std::copy_n(from + rows[i] * width, width, next);
  return to;
}
// The same without a copy where the rows follow one another already.
const double* rows_of(const Members& members, const double* from, std::int64_t width, std::vector<double>& copy) {
  if (!members.positions) return from + members.first * width;
  copy = gather(members, from, width);
  return copy.data();
}
// std::vector<bool> has no array of bool.
using Flags = std::vector<std::uint8_t>;
View<const bool, 1> flags(const Flags& values) {
  return {reinterpret_cast<const bool*>(values.data()), {static_cast<std::int64_t>(values.size())}};
}

// Some of the whole's priors, sorted as they were.
class SomePriors {
 public:
  SomePriors(const Priors& whole, const Members& members, const Subset& subset)
      : loss_(whole.loss),
        num_values_(whole.values.shape[1]),
        size_(whole.whitening.shape[2]),
        values_(gather(members, whole.values.data, num_values_)),
        whitening_(gather(members, whole.whitening.data, size_ * size_)) {
    for (std::int64_t i = 0; i < members.size(); ++i) rows_.push_back(subset.place(whole.rows(members[i])));
  }
  Priors priors() const {
    const auto count = static_cast<std::int64_t>(rows_.size());
    return {{rows_.data(), {count}},
            {values_.data(), {count, num_values_}},
            {whitening_.data(), {count, size_, size_}},
            loss_};
  }

 private:
  const RobustLoss loss_;
  const std::int64_t num_values_, size_;
  const std::vector<double> values_, whitening_;
  std::vector<std::int32_t> rows_;
};

// One item as a problem of its own: copies, but for observations that lie together.
class Item {
 public:
  Item(const Problem& whole, const Groups& groups, std::int64_t item)
      : images_(used(groups.images.of(item), [](std::int64_t i) { return static_cast<std::int32_t>(i); })),
        cameras_(used(groups.images.of(item), whole.image_cameras)),
        points_(used(groups.observations.of(item), whole.point_indices)),
        pose_priors_(whole.pose_priors, groups.pose_priors.of(item), images_),
        position_priors_(whole.position_priors, groups.position_priors.of(item), images_),
        point_priors_(whole.point_priors, groups.point_priors.of(item), points_) {
    param_offsets_ = {0};
    for (const std::int32_t c : cameras_.rows) {
      models_.push_back(whole.camera_models(c));
      for (std::int64_t i = whole.param_offsets(c); i < whole.param_offsets(c + 1); ++i) {
        params_.push_back(whole.params(i));
        params_free_.push_back(whole.params_free(i));
      }
      param_offsets_.push_back(static_cast<std::int64_t>(params_.size()));
    }
    for (const std::int32_t i : images_.rows) image_cameras_.push_back(cameras_.place(whole.image_cameras(i)));
    poses_ = gather(images_.rows, whole.cam_from_world.data, 12);
    pose_free_ = gather(images_.rows, reinterpret_cast<const std::uint8_t*>(whole.pose_free.data), 6);
    xyz_ = gather(points_.rows, whole.points.data, 3);
    points_free_ = gather(points_.rows, reinterpret_cast<const std::uint8_t*>(whole.points_free.data), 1);
    const Members observations = groups.observations.of(item);
    image_indices_.resize(observations.size());
    point_indices_.resize(observations.size());
    for (std::int64_t i = 0; i < observations.size(); ++i) {
      image_indices_[i] = images_.place(whole.image_indices(observations[i]));
      point_indices_[i] = points_.place(whole.point_indices(observations[i]));
    }
    observed_ = rows_of(observations, whole.observations.data, 2, observed_copy_);
    weights_ = rows_of(observations, whole.weights.data, 1, weights_copy_);
    if (whole.whitening.rows > 0) whitening_ = rows_of(observations, whole.whitening.data, 3, whitening_copy_);
    const ParamsPriors& known = whole.params_priors;
    const Members members = groups.params_priors.of(item);
    for (std::int64_t m = 0; m < members.size(); ++m) {
      const std::int64_t i = members[m];
      known_images_.push_back(images_.place(known.images(i)));
      known_indices_.push_back(known.indices(i));
      known_params_.push_back(known.values(i));
      known_weights_.push_back(known.weights(i));
    }
  }

  Problem problem() {
    const auto count = static_cast<std::int64_t>(image_indices_.size());
    Problem p;
    p.camera_models = view<const std::int32_t>(models_);
    p.param_offsets = view<const std::int64_t>(param_offsets_);
    p.params = view<double>(params_);
    p.params_free = flags(params_free_);
    p.image_cameras = view<const std::int32_t>(image_cameras_);
    p.cam_from_world = {poses_.data(), static_cast<std::int64_t>(images_.rows.size())};
    p.pose_free = {reinterpret_cast<const bool*>(pose_free_.data()), static_cast<std::int64_t>(images_.rows.size())};
    p.points = {xyz_.data(), static_cast<std::int64_t>(points_.rows.size())};
    p.points_free = flags(points_free_);
    p.image_indices = view<const std::int32_t>(image_indices_);
    p.point_indices = view<const std::int32_t>(point_indices_);
    p.observations = {observed_, count};
    p.weights = {weights_, {count}};
    p.whitening = {whitening_, whitening_ ? count : 0};
    p.pose_priors = pose_priors_.priors();
    p.position_priors = position_priors_.priors();
    p.point_priors = point_priors_.priors();
    p.params_priors = {view<const std::int32_t>(known_images_), view<const std::int32_t>(known_indices_),
                       view<const double>(known_params_), view<const double>(known_weights_)};
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
  static std::vector<std::int32_t> used(const Members& members, const RowOf& row_of) {
    std::vector<std::int32_t> rows(members.size());
    for (std::int64_t i = 0; i < members.size(); ++i) rows[i] = row_of(members[i]);
    return rows;
  }

  const Subset images_, cameras_, points_;
  const SomePriors pose_priors_, position_priors_, point_priors_;
  std::vector<std::int32_t> models_, image_cameras_, image_indices_, point_indices_;
  std::vector<std::int64_t> param_offsets_;
  std::vector<double> params_, poses_, xyz_;
  const double *observed_, *weights_, *whitening_ = nullptr;
  std::vector<double> observed_copy_, weights_copy_, whitening_copy_;
  std::vector<std::int32_t> known_images_, known_indices_;
  std::vector<double> known_params_, known_weights_;
  Flags params_free_, pose_free_, points_free_;
};

}  // namespace

void solve_batch(const Problem& problem, View<const std::int32_t, 1> image_items, const Options& options,
                 const BatchSummary& summary) {
  const Clock::time_point start = Clock::now();
  const std::int64_t num_items = summary.final_costs.shape[0];
  const Groups groups(problem, image_items, num_items);
  parallel_for(num_items, 1, options.num_threads, [&](std::int64_t item, std::int64_t) {
    Options own = options;
    own.num_threads = 1;
    own.last_gradient = false;
    own.time_limit -= std::chrono::duration<double>(Clock::now() - start).count();
    Item part(problem, groups, item);
    const Summary result = solve_native(part.problem(), own, {});
    if (result.error) std::rethrow_exception(result.error);
    part.write_to(problem);
    summary.initial_costs(item) = result.initial_cost;
    summary.final_costs(item) = result.final_cost;
    summary.num_iterations(item) = std::max(0, static_cast<std::int32_t>(result.iterations.size()) - 1);
    summary.terminations(item) = static_cast<std::int32_t>(result.termination);
  });
}

}  // namespace fastcv::ba
