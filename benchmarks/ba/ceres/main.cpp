// SPDX-License-Identifier: Apache-2.0
// Bundle adjustment of a BAL problem with Ceres and automatic differentiation, as its users write it.
//   bal_with_ceres PROBLEM LINEAR_SOLVER NUM_THREADS MAX_ITERATIONS FUNCTION_TOLERANCE TIME_LIMIT
// Reads what benchmarks/ba/problems.py dumps, prints one line of JSON: cost and seconds after every iteration.
#include <ceres/ceres.h>
#include <ceres/rotation.h>
#include <glog/logging.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Angle-axis, translation, f, k1, k2; the camera looks along -z. Source: Agarwal et al., ECCV 2010.
struct Reprojection {
  double x, y;  // pixels

  template <class T>
  bool operator()(const T* camera, const T* point, T* residual) const {
    T in_cam[3];
    ceres::AngleAxisRotatePoint(camera, point, in_cam);
    for (int i = 0; i < 3; ++i) in_cam[i] += camera[3 + i];
    const T u = -in_cam[0] / in_cam[2], v = -in_cam[1] / in_cam[2];
    const T r2 = u * u + v * v;
    const T scale = camera[6] * (T(1) + r2 * (camera[7] + camera[8] * r2));
    residual[0] = scale * u - x;
    residual[1] = scale * v - y;
    return true;
  }
};

struct Bal {
  std::vector<std::int32_t> camera_indices, point_indices;
  std::vector<double> observations, cameras, points;
};

template <class T>
void read(std::ifstream& file, std::vector<T>& values, std::int64_t count) {
  values.resize(count);
  file.read(reinterpret_cast<char*>(values.data()), count * sizeof(T));
}

Bal read_problem(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::int64_t> sizes;  // cameras, points, observations
  read(file, sizes, 3);
  Bal bal;
  read(file, bal.camera_indices, sizes[2]);
  read(file, bal.point_indices, sizes[2]);
  read(file, bal.observations, 2 * sizes[2]);
  read(file, bal.cameras, 9 * sizes[0]);
  read(file, bal.points, 3 * sizes[1]);
  if (!file) throw std::runtime_error("the problem's file is too short");
  return bal;
}

void build(Bal& bal, ceres::Problem& problem, ceres::ParameterBlockOrdering& ordering) {
  for (std::size_t k = 0; k < bal.camera_indices.size(); ++k) {
    auto* cost = new ceres::AutoDiffCostFunction<Reprojection, 2, 9, 3>(
        new Reprojection{bal.observations[2 * k], bal.observations[2 * k + 1]});
    problem.AddResidualBlock(cost, nullptr, &bal.cameras[9 * bal.camera_indices[k]],
                             &bal.points[3 * bal.point_indices[k]]);
  }
  // Points are eliminated first, then cameras: saves Ceres the search for an ordering.
  for (std::size_t i = 0; i < bal.points.size(); i += 3) ordering.AddElementToGroup(&bal.points[i], 0);
  for (std::size_t i = 0; i < bal.cameras.size(); i += 9) ordering.AddElementToGroup(&bal.cameras[i], 1);
}

void choose_linear_solver(const std::string& name, ceres::Solver::Options& options) {
  if (name == "dense_schur") {
    options.linear_solver_type = ceres::DENSE_SCHUR;
  } else if (name == "sparse_schur") {
    options.linear_solver_type = ceres::SPARSE_SCHUR;
  } else if (name == "iterative_schur" || name == "explicit_schur") {
    options.linear_solver_type = ceres::ITERATIVE_SCHUR;
    options.preconditioner_type = ceres::SCHUR_JACOBI;
    options.use_explicit_schur_complement = name == "explicit_schur";
  } else {
    throw std::runtime_error("unknown linear solver " + name);
  }
}

// Bytes of a line of /proc/self/status such as VmHWM, the peak of the process since it began.
long long memory(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + ":", 0) == 0) return 1024 * std::stoll(line.substr(key.size() + 1));
  }
  return 0;
}

template <class F>
std::string list(const std::vector<ceres::IterationSummary>& iterations, const F& value) {
  std::ostringstream out;
  out.precision(17);
  for (std::size_t i = 0; i < iterations.size(); ++i) out << (i ? ", " : "[") << value(iterations[i]);
  return out.str() + "]";
}

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) throw std::runtime_error("expected six arguments, see the head of this file");
  google::InitGoogleLogging(argv[0]);
  FLAGS_minloglevel = google::GLOG_ERROR;
  const long long base = memory("VmRSS");
  Bal bal = read_problem(argv[1]);

  const auto begin = Clock::now();
  ceres::Problem problem;
  ceres::Solver::Options options;
  options.linear_solver_ordering = std::make_shared<ceres::ParameterBlockOrdering>();
  build(bal, problem, *options.linear_solver_ordering);
  const double build_seconds = since(begin);

  choose_linear_solver(argv[2], options);
  options.num_threads = std::stoi(argv[3]);
  options.max_num_iterations = std::stoi(argv[4]);
  options.function_tolerance = std::stod(argv[5]);
  options.max_solver_time_in_seconds = std::stod(argv[6]);
  options.logging_type = ceres::SILENT;
  const auto start = Clock::now();
  ceres::Solver::Summary summary;
  ceres::Solve(options, &problem, &summary);
  const double total_seconds = since(start);

  const auto& iterations = summary.iterations;
  std::cout.precision(17);
  std::cout << "{\"version\": \"" << CERES_VERSION_STRING << "\", \"linear_solver\": \"" << argv[2]
            << "\", \"seconds\": " << list(iterations, [](const auto& i) { return i.cumulative_time_in_seconds; })
            << ", \"costs\": " << list(iterations, [](const auto& i) { return i.cost; })
            << ", \"linear_iterations\": " << list(iterations, [](const auto& i) { return i.linear_solver_iterations; })
            << ", \"build_s\": " << build_seconds << ", \"total_s\": " << total_seconds << ", \"base_bytes\": " << base
            << ", \"peak_bytes\": " << memory("VmHWM") << ", \"termination\": \""
            << ceres::TerminationTypeToString(summary.termination_type) << "\"}\n";
  return 0;
}
