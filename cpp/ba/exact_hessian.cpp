// SPDX-License-Identifier: Apache-2.0
// Loops over observations and priors in dual numbers.
#include "ba/exact_hessian.h"

#include <algorithm>

#include "ba/second_order.hd.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

using generic::Dual;
using generic::ba::kPoseSize;
constexpr std::int64_t kGrain = 1 << 12;

std::unique_ptr<bool[]> all_true(std::int64_t size) {
  std::unique_ptr<bool[]> values(new bool[size]);
  std::fill_n(values.get(), size, true);
  return values;
}

Problem with_params_free(Problem problem, const bool* free) {
  problem.params_free.data = free;
  return problem;
}

double part(const Dual& number, bool slope) { return slope ? number.slope : number.value; }

// A prior's gradient by its degrees of freedom and its whitening.
template <int D>
struct PriorGradient {
  Dual by[D], by_whitening[D * D];
};
template <int D>
PriorGradient<D> gradient_of(const generic::ba::PriorTerm<D, Dual>& term, const double* whitening,
                             const RobustLoss& loss) {
  PriorGradient<D> gradient;
  generic::ba::prior_gradient(term, whitening, loss, gradient.by, gradient.by_whitening);
  return gradient;
}

// R₀ Rᵀ w: a turn w of the image changes the error as the opposite turn of the prior does, in the frame of the latter.
void in_frame_of_prior(const Dual* cam_from_world, const double* value, Dual* w) {
  Dual world[3];
  for (int c = 0; c < 3; ++c) {
    world[c] = cam_from_world[c] * w[0] + cam_from_world[4 + c] * w[1] + cam_from_world[8 + c] * w[2];
  }
  for (int r = 0; r < 3; ++r) {
    w[r] = value[4 * r] * world[0] + value[4 * r + 1] * world[1] + value[4 * r + 2] * world[2];
  }
}

}  // namespace

struct ExactHessian::Moved {
  std::vector<Dual> cam_from_world, params, points;
};

ExactHessian::ExactHessian(const Problem& problem, const RobustLoss& loss, int num_threads)
    : problem_(problem),
      priors_{&problem.pose_priors, &problem.position_priors, &problem.point_priors},
      loss_(loss),
      num_threads_(num_threads),
      all_free_(all_true(problem.params.size())),
      arrangement_(with_params_free(problem, all_free_.get())),
      gradient_(problem) {}

void ExactHessian::linearize() { gradient_ = sum(moved(Tangent(problem_)), false); }

ExactHessian::Moved ExactHessian::moved(const Tangent& along) const {
  Moved at;
  for (std::int64_t i = 0; i < problem_.num_images(); ++i) {
    const double *p = problem_.cam_from_world[i], *w = along.poses.data() + kPoseSize * i, *v = w + 3;
    for (int r = 0; r < 3; ++r) {
      const double *next = p + 4 * ((r + 1) % 3), *last = p + 4 * ((r + 2) % 3);
      const double shift = p[4 * r] * v[0] + p[4 * r + 1] * v[1] + p[4 * r + 2] * v[2];
      for (int c = 0; c < 4; ++c) {
        const double turn = w[(r + 1) % 3] * last[c] - w[(r + 2) % 3] * next[c];  // w × column
        at.cam_from_world.push_back({p[4 * r + c], c < 3 ? turn : turn - shift});
      }
    }
  }
  const auto move = [](const double* from, const std::vector<double>& by, std::vector<Dual>& to) {
    for (std::size_t i = 0; i < by.size(); ++i) to.push_back({from[i], by[i]});
  };
  move(problem_.params.data, along.params, at.params);
  move(problem_.points.data, along.points, at.points);
  return at;
}

Tangent ExactHessian::sum(const Moved& at, bool slopes) const {
  const Equations& e = arrangement_.equations();
  Tangent total(problem_);
  parallel_for(arrangement_.num_chunks(), 1, num_threads_, [&](std::int64_t index, std::int64_t) {
    const Chunk& chunk = e.chunks[index];
    double* partial = e.partial + chunk.images_begin * e.columns;
    std::fill_n(partial, std::int64_t(chunk.num_images) * e.columns, 0.0);
    for (std::int64_t k = e.point_begin[chunk.point_begin]; k < e.point_begin[chunk.point_end]; ++k) {
      const std::int64_t image = e.images[k], point = e.points[k], camera = problem_.image_cameras(image);
      double *to_image = partial + std::int64_t(e.local[k]) * e.columns, *to_point = total.points.data() + 3 * point;
      generic::with_model(problem_.camera_models(camera), [&](auto model) {
        using Model = decltype(model);
        Dual g[kPoseSize + Model::kNumParams];
        generic::ba::observation_gradient<Model>(at.cam_from_world.data() + 12 * image,
                                                 at.params.data() + problem_.param_offsets(camera),
                                                 at.points.data() + 3 * point, e.observed + 2 * k, e.weights[k],
                                                 e.whitening ? e.whitening + 3 * k : nullptr, loss_, g);
        for (int c = 0; c < kPoseSize + Model::kNumParams; ++c) to_image[c] += part(g[c], slopes);
        for (int c = 0; c < 3; ++c) to_point[c] -= part(g[3 + c], slopes);
      });
    }
  });
  std::vector<double> of_images(e.num_images * e.columns);
  arrangement_.add_partials(of_images.data(), num_threads_);
  for (std::int64_t i = 0; i < e.num_images; ++i) {
    const double* from = of_images.data() + i * e.columns;
    std::copy_n(from, kPoseSize, total.poses.data() + kPoseSize * i);
    const std::int64_t camera = problem_.image_cameras(i), first = problem_.param_offsets(camera);
    for (std::int64_t k = first; k < problem_.param_offsets(camera + 1); ++k) {
      total.params[k] += from[kPoseSize + k - first];
    }
  }
  double* const places[] = {total.poses.data(), total.poses.data() + 3, total.points.data()};
  for_each_prior(at, [&]<int D>(int kind, std::int64_t i, const PriorGradient<D>& gradient) {
    double* to = places[kind] + (kind < 2 ? kPoseSize : 3) * std::int64_t(priors_[kind]->rows(i));
    for (int c = 0; c < D; ++c) to[c] += part(gradient.by[c], slopes);
  });
  const ParamsPriors& priors = problem_.params_priors;
  for (std::int64_t i = 0; i < priors.size(); ++i) {
    const std::int64_t k = prior_param(i);
    const double weight = priors.weights(i);
    total.params[k] += part(weight * weight * (at.params[k] - priors.values(i)), slopes);
  }
  return total;
}

template <class F>
void ExactHessian::for_each_prior(const Moved& at, const F& f) const {
  const auto pose = [&](const Priors& p, std::int64_t i) {
    return at.cam_from_world.data() + 12 * std::int64_t(p.rows(i));
  };
  for (std::int64_t i = 0; i < priors_[0]->size(); ++i) {
    const Priors& p = *priors_[0];
    const double* whitening = p.whitening.data + 36 * i;
    f(0, i, gradient_of(generic::ba::pose_prior(pose(p, i), p.values.data + 12 * i, whitening), whitening, p.loss));
  }
  for (std::int64_t i = 0; i < priors_[1]->size(); ++i) {
    const Priors& p = *priors_[1];
    const double* whitening = p.whitening.data + 9 * i;
    f(1, i, gradient_of(generic::ba::position_prior(pose(p, i), p.values.data + 3 * i, whitening), whitening, p.loss));
  }
  for (std::int64_t i = 0; i < priors_[2]->size(); ++i) {
    const Priors& p = *priors_[2];
    const Dual* point = at.points.data() + 3 * std::int64_t(p.rows(i));
    const double* whitening = p.whitening.data + 9 * i;
    f(2, i, gradient_of(generic::ba::difference_prior<3>(point, p.values.data + 3 * i, whitening), whitening, p.loss));
  }
}

std::int64_t ExactHessian::prior_param(std::int64_t prior) const {
  const ParamsPriors& priors = problem_.params_priors;
  return problem_.param_offsets(problem_.image_cameras(priors.images(prior))) + priors.indices(prior);
}

Tangent ExactHessian::times(const Tangent& x) const {
  Tangent y = sum(moved(x), true);
  // The gradient is taken by (w, v) at the moved poses. By those at the unmoved ones, that exp(w) starts from, it is
  // turned by half: exp(dw) exp(w) = exp(w + dw - w × dw / 2 + …).
  for (std::int64_t i = 0; i < problem_.num_images(); ++i) {
    const double *w = x.poses.data() + kPoseSize * i, *g = gradient_.poses.data() + kPoseSize * i;
    double* to = y.poses.data() + kPoseSize * i;
    for (int c = 0; c < 3; ++c) {
      const int next = (c + 1) % 3, last = (c + 2) % 3;
      to[c] -= 0.5 * (w[next] * g[last] - w[last] * g[next]);
    }
  }
  return y;
}

void ExactHessian::by_data(const Tangent& x, const DataGradient& out) const {
  const Moved at = moved(x);
  parallel_for(problem_.num_observations(), kGrain, num_threads_, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const std::int64_t image = problem_.image_indices(k), camera = problem_.image_cameras(image);
      generic::with_model(problem_.camera_models(camera), [&](auto model) {
        Dual g[6];
        generic::ba::measurement_gradient<decltype(model)>(
            at.cam_from_world.data() + 12 * image, at.params.data() + problem_.param_offsets(camera),
            at.points.data() + 3 * std::int64_t(problem_.point_indices(k)), problem_.observations[k],
            problem_.weights(k), problem_.whitening.rows > 0 ? problem_.whitening[k] : nullptr, loss_, g);
        out.observations[k][0] = g[0].slope;
        out.observations[k][1] = g[1].slope;
        out.weights(k) = g[2].slope;
        for (int c = 0; c < 3 && out.whitening.rows > 0; ++c) out.whitening[k][c] = g[3 + c].slope;
      });
    }
  });
  const DataGradient::OfPriors* const outs[] = {&out.pose_priors, &out.position_priors, &out.point_priors};
  for_each_prior(at, [&]<int D>(int kind, std::int64_t i, PriorGradient<D> gradient) {
    if constexpr (D == kPoseSize) {
      const std::int64_t row = problem_.pose_priors.rows(i);
      in_frame_of_prior(at.cam_from_world.data() + 12 * row, &problem_.pose_priors.values(i, 0), gradient.by);
    }
    for (int c = 0; c < D; ++c) outs[kind]->values(i, c) = -gradient.by[c].slope;
    for (int c = 0; c < D * D; ++c) outs[kind]->whitening(i, c / D, c % D) = gradient.by_whitening[c].slope;
  });
  const ParamsPriors& priors = problem_.params_priors;
  for (std::int64_t i = 0; i < priors.size(); ++i) {
    const double weight = priors.weights(i);
    const Dual error = at.params[prior_param(i)] - priors.values(i);
    out.params_priors.values(i) = -weight * weight * error.slope;
    out.params_priors.weights(i) = 2 * weight * error.value * error.slope;
  }
}

void hessian_product(const Problem& problem, Loss loss, double loss_scale, const TangentView& x, int num_threads) {
  ExactHessian hessian(problem, {loss, loss_scale * loss_scale}, num_threads);
  hessian.linearize();
  const Tangent product = hessian.times(Tangent(x));
  std::copy(product.poses.begin(), product.poses.end(), x.poses.data);
  std::copy(product.params.begin(), product.params.end(), x.params.data);
  std::copy(product.points.begin(), product.points.end(), x.points.data);
}

}  // namespace fastcv::ba
