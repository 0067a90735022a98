// SPDX-License-Identifier: Apache-2.0
#include "ba/resident_lists.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "ba/unknowns.h"
#include "core/interrupt.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = generic::ba::kPoseSize;

// (count + 1,) where the values of each row begin, of values that are or will be sorted; empty where there is none.
std::vector<std::int64_t> begins(std::int64_t count, const View<const std::int32_t, 1>& rows) {
  if (rows.size() == 0) return {};
  std::vector<std::int64_t> begin(count + 1, 0);
  for (std::int64_t i = 0; i < rows.size(); ++i) ++begin[rows(i) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  return begin;
}

// Calls f(other) for the observations that make a pair with k, of the same image or an earlier one.
template <class F>
void for_each_earlier(const Incidence& e, std::int64_t k, const F& f) {
  const std::int64_t p = e.points[k];
  const auto is_free = [&](std::int64_t image) { return e.image_free == nullptr || e.image_free[image]; };
  if ((e.point_free != nullptr && !e.point_free[p]) || !is_free(e.images[k])) return;
  for (std::int64_t other = e.point_begin[p]; other <= k; ++other) {
    if (is_free(e.images[other])) f(other);
  }
}

}  // namespace

ResidentLists::ResidentLists(const Problem& problem, const Arrangement& arrangement) {
  const Equations& e = arrangement.equations();
  const Unknowns unknowns(problem, e.columns);
  width = unknowns.width();
  group_observations(problem, e);
  list_unknowns(unknowns, e.num_images);
  if (problem.has_rigs()) list_rigs(problem, unknowns);
  list_params(problem, e.columns);
  sort_priors(problem);
}

void ResidentLists::group_observations(const Problem& problem, const Equations& e) {
  const auto model_of = [&](std::int32_t image) { return problem.camera_models(problem.image_cameras(image)); };
  std::map<std::int32_t, std::int64_t> counts;
  for (std::int64_t image = 0; image < e.num_images; ++image) {
    counts[model_of(static_cast<std::int32_t>(image))] += e.image_begin[image + 1] - e.image_begin[image];
  }
  for (const auto& [model, count] : counts) {
    if (count == 0) continue;
    Group& group = groups.emplace_back(Group{model, count, {}});
    if (count == e.num_observations) continue;
    group.observations.reserve(count);
    polled_for(e.num_observations, [&, wanted = model](std::int64_t k) {
      if (model_of(e.images[k]) == wanted) group.observations.push_back(k);
    });
  }
}

void ResidentLists::list_unknowns(const Unknowns& unknowns, std::int64_t num_images) {
  const std::int64_t size = num_images * unknowns.width();
  unknown_of.assign(unknowns.of_image(0), unknowns.of_image(0) + size);
  slot_begin.assign(unknowns.count() + 1, 0);
  for (const std::int32_t unknown : unknown_of) {
    if (unknown >= 0) ++slot_begin[unknown + 1];
  }
  std::partial_sum(slot_begin.begin(), slot_begin.end(), slot_begin.begin());
  slots.resize(slot_begin.back());
  Longs next = slot_begin;
  for (std::int64_t i = 0; i < size; ++i) {
    if (unknown_of[i] >= 0) slots[next[unknown_of[i]]++] = i;
  }
  for (std::int64_t u = 0; u < unknowns.count(); ++u) {
    if (slot_begin[u + 1] - slot_begin[u] > kMany) shared_by_many.push_back(u);
    node_of.push_back(unknowns.node_of(static_cast<std::int32_t>(u)));
  }
  for (std::int64_t n = 0; n < unknowns.num_nodes(); ++n) node_begin.push_back(unknowns.node_begin(n));
  node_begin.push_back(unknowns.count());
}

void ResidentLists::list_rigs(const Problem& problem, const Unknowns& unknowns) {
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    frames.push_back(static_cast<std::int32_t>(problem.frame(i)));
    sensors.push_back(problem.sensor(i));
  }
  of_frames.assign(unknowns.of_frame(0), unknowns.of_frame(0) + kPose * problem.num_frames());
  const std::int64_t num_sensors = problem.rigs.sensor_from_rig.rows;
  if (num_sensors > 0) of_sensors.assign(unknowns.of_sensor(0), unknowns.of_sensor(0) + kPose * num_sensors);
}

void ResidentLists::list_params(const Problem& problem, int num_columns) {
  num_free.assign(problem.num_cameras(), 0);
  param_columns.assign(problem.params.size(), -1);
  param_places.assign(problem.params.size(), -1);
  for (std::int64_t c = 0; c < problem.num_cameras(); ++c) {
    for (std::int64_t i = problem.param_offsets(c); i < problem.param_offsets(c + 1); ++i) {
      if (problem.params_free(i)) param_columns[i] = kPose + num_free[c]++;
    }
  }
  for (std::int64_t image = 0; image < problem.num_images(); ++image) {
    const std::int32_t camera = problem.image_cameras(image);
    for (std::int64_t i = problem.param_offsets(camera); i < problem.param_offsets(camera + 1); ++i) {
      if (param_columns[i] >= 0)
        param_places[i] = image * num_columns + param_columns[i];  // images that share one agree
    }
  }
}

void ResidentLists::sort_priors(const Problem& problem) {
  prior_begins.poses = begins(problem.num_images(), problem.pose_priors.rows);
  prior_begins.positions = begins(problem.num_images(), problem.position_priors.rows);
  prior_begins.points = begins(problem.num_points(), problem.point_priors.rows);
  const ParamsPriors& priors = problem.params_priors;
  prior_begins.params = begins(problem.num_images(), priors.images);
  Longs order(priors.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return priors.images(a) < priors.images(b); });
  for (const std::int64_t i : order) {
    prior_params.push_back(problem.param_offsets(problem.image_cameras(priors.images(i))) + priors.indices(i));
    prior_columns.push_back(param_columns[prior_params.back()]);
    prior_values.push_back(priors.values(i));
    prior_weights.push_back(priors.weights(i));
  }
}

ObservationPairs::ObservationPairs(const Incidence& e, int num_threads) {
  std::vector<std::int64_t> image_begin(e.num_images + 1, 0);
  for (std::int64_t i = 0; i < e.num_observations; ++i) {
    const std::int64_t k = e.by_image[i];
    for_each_earlier(e, k, [&](std::int64_t) { ++image_begin[e.images[k] + 1]; });
  }
  std::partial_sum(image_begin.begin(), image_begin.end(), image_begin.begin());
  first = Buffer<std::int64_t>(image_begin.back());
  second = Buffer<std::int64_t>(image_begin.back());
  // The pairs of an image, sorted by the earlier one: counted, then placed.
  std::vector<std::vector<std::int64_t>> ends(e.num_images);
  parallel_for(e.num_images, 1, num_threads, [&](std::int64_t image, std::int64_t) {
    const auto for_each_pair = [&](const auto& f) {
      for (std::int64_t i = e.image_begin[image]; i < e.image_begin[image + 1]; ++i) {
        const std::int64_t k = e.by_image[i];
        for_each_earlier(e, k, [&](std::int64_t other) { f(k, other); });
      }
    };
    std::vector<std::int64_t>& next = ends[image];
    next.assign(image + 2, 0);
    for_each_pair([&](std::int64_t, std::int64_t other) { ++next[e.images[other] + 1]; });
    next[0] = image_begin[image];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for_each_pair([&](std::int64_t k, std::int64_t other) {
      const std::int64_t at = next[e.images[other]]++;
      first[at] = k;
      second[at] = other;
    });
  });
  for (std::int64_t image = 0; image < e.num_images; ++image) {
    std::int64_t from = image_begin[image];
    for (std::int64_t other = 0; other <= image; ++other) {
      if (other < image && ends[image][other] == from) continue;  // an image meets itself, whatever it sees
      begin.push_back(from);
      later.push_back(static_cast<std::int32_t>(image));
      earlier.push_back(static_cast<std::int32_t>(other));
      from = ends[image][other];
    }
  }
  begin.push_back(image_begin.back());
}

}  // namespace fastcv::ba
