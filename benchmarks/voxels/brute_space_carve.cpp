// SPDX-License-Identifier: Apache-2.0
// Space carving as one writes it by hand: in every round all rays set out anew, all surface voxels are judged in all
// views. A library that bench_space_carve.py compiles and loads. Views are rows of 26 numbers, see
// cpp/voxels/photographs.h; pixels have a roughness as their fourth byte.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

using Int = std::int64_t;

struct Job {
  Int num_views, height, width;
  const double* views;
  const std::uint8_t* pixels;  // (V, H, W, 4)
  const std::uint8_t* masks;
  const double* gains;
  Int shape[3];
  std::uint8_t* states;  // 0 free, 1 occupied, 2 held
  double variance, slack;
  Int min_views;
  int num_threads;
  std::vector<Int> seen;
  std::vector<float> depths;
  std::vector<std::uint8_t> marks;

  template <class Body>
  void parallel(Int count, const Body& body) const {
    std::atomic<Int> next{0};
    const auto work = [&] {
      for (Int i; (i = next.fetch_add(1)) < count;) body(i);
    };
    std::vector<std::thread> threads;
    for (int i = 1; i < num_threads; ++i) threads.emplace_back(work);
    work();
    for (auto& thread : threads) thread.join();
  }
  Int number(const Int* v) const { return (v[2] * shape[1] + v[1]) * shape[2] + v[0]; }

  // Calls visit(number, depth of entry) for the voxels on a ray until it returns false.
  template <class Visit>
  void walk(const double* view, Int row, Int column, const Visit& visit) const {
    const double *center = view + 12, *m = view + 15;
    double inverse[3], from = 0, to = HUGE_VAL;
    int step[3], face = -1;
    for (int k = 0; k < 3; ++k) {
      const double d = m[3 * k] * (double(column) + 0.5) + (m[3 * k + 1] * (double(row) + 0.5) + m[3 * k + 2]);
      step[k] = (d > 0) - (d < 0);
      inverse[k] = d == 0 ? 0 : 1 / d;
      const double size = double(shape[2 - k]);
      if (d == 0) {
        if (center[k] < 0 || center[k] >= size) return;
        continue;
      }
      const double near = ((d > 0 ? 0 : size) - center[k]) * inverse[k];
      const double far = ((d > 0 ? size : 0) - center[k]) * inverse[k];
      if (near > from) from = near, face = k;
      if (far < to) to = far;
    }
    if (!(from < to)) return;
    Int v[3];
    for (int k = 0; k < 3; ++k) {
      const double at = std::floor(center[k] + (step[k] ? from / inverse[k] : 0));
      v[k] = at < 0 ? 0 : at >= double(shape[2 - k]) ? shape[2 - k] - 1 : Int(at);
    }
    if (face >= 0) v[face] = step[face] > 0 ? 0 : shape[2 - face] - 1;
    for (;;) {
      double entry = 0, leave = HUGE_VAL;
      int through = -1;
      for (int k = 0; k < 3; ++k) {
        if (!step[k]) continue;
        const double in = (double(v[k] + (step[k] < 0)) - center[k]) * inverse[k];
        const double out = (double(v[k] + (step[k] > 0)) - center[k]) * inverse[k];
        if (in > entry) entry = in;
        if (out < leave) leave = out, through = k;
      }
      if (!visit(number(v), entry) || through < 0) return;
      v[through] += step[through];
      if (v[through] < 0 || v[through] >= shape[2 - through]) return;
    }
  }
  void look(Int line) {
    const Int view = line / height, row = line % height;
    for (Int column = 0; column < width; ++column) {
      const Int at = line * width + column;
      seen[at] = -1;
      depths[at] = 0;
      if (!masks[at]) continue;
      walk(views + 26 * view, row, column, [&](Int voxel, double depth) {
        if (!states[voxel]) return true;
        seen[at] = voxel;
        depths[at] = float(depth);
        return false;
      });
    }
  }
  // Mean levels and roughness; false where the view does not see the voxel.
  bool observe(Int view, double x, double y, double z, double* mean) const {
    const double* m = views + 26 * view;
    const double w = m[8] * x + (m[9] * y + (m[10] * z + m[11]));
    const double reach = 0.5 * (std::fabs(m[8]) + std::fabs(m[9]) + std::fabs(m[10])), scale = 1 / w;
    if (!(w - reach > 0)) return false;
    const double at[2] = {(m[0] * x + (m[1] * y + (m[2] * z + m[3]))) * scale,
                          (m[4] * x + (m[5] * y + (m[6] * z + m[7]))) * scale};
    if (!(at[0] >= 0 && at[1] >= 0 && at[0] < double(width) && at[1] < double(height))) return false;
    Int low[2], high[2];
    for (int i = 0; i < 2; ++i) {
      const double half = std::fmax(0.5, 0.5 * m[24 + i] * scale);
      low[i] = Int(std::floor((at[i] - half) * 256));
      high[i] = Int(std::floor((at[i] + half) * 256));
    }
    const auto sees = [&](Int pixel) { return depths[pixel] >= w - reach && depths[pixel] <= w + reach; };
    const Int first = view * height * width;
    if (low[0] < 0 || low[1] < 0 || high[0] > 256 * width || high[1] > 256 * height) return false;
    if (!sees(first + Int(at[1]) * width + Int(at[0]))) return false;
    Int weight = 0, sums[4] = {};
    const auto cover = [&](int i, Int p) { return std::min(high[i], 256 * p + 256) - std::max(low[i], 256 * p); };
    for (Int row = low[1] / 256; 256 * row < high[1]; ++row) {
      for (Int column = low[0] / 256; 256 * column < high[0]; ++column) {
        const Int pixel = first + row * width + column;
        if (!sees(pixel)) continue;
        const Int covered = cover(0, column) * cover(1, row);
        weight += covered;
        for (int i = 0; i < 4; ++i) sums[i] += covered * pixels[4 * pixel + i];
      }
    }
    for (int i = 0; i < 4; ++i) mean[i] = double(sums[i]) * (1 / double(weight));
    return true;
  }
  bool exposed(const Int* v) const {
    for (int k = 0; k < 3; ++k) {
      for (const int step : {-1, 1}) {
        Int next[3] = {v[0], v[1], v[2]};
        next[k] += step;
        if (next[k] < 0 || next[k] >= shape[2 - k] || !states[number(next)]) return true;
      }
    }
    return false;
  }
  bool goes(const Int* v) const {
    if (states[number(v)] != 1 || !exposed(v)) return false;
    Int count = 0;
    double sums[3] = {}, squares = 0, rough = 0;
    for (Int view = 0; view < num_views; ++view) {
      double mean[4];
      if (!observe(view, double(v[0]) + 0.5, double(v[1]) + 0.5, double(v[2]) + 0.5, mean)) continue;
      ++count;
      for (int i = 0; i < 3; ++i) {
        const double level = gains[3 * view + i] * mean[i];
        sums[i] += level;
        squares += level * level;
      }
      rough += mean[3] * mean[3];
    }
    if (count < min_views) return false;
    const double n = double(count);
    const double scatter = squares - (sums[0] * sums[0] + sums[1] * sums[1] + sums[2] * sums[2]) / n;
    return scatter / (3 * (n - 1)) > variance + slack * (rough / n);
  }
  // Holds what a line of pixels would lose.
  void hold(Int line) {
    const Int view = line / height, row = line % height;
    for (Int column = 0; column < width; ++column) {
      const Int first = seen[line * width + column];
      if (first < 0 || !marks[first]) continue;
      bool stays = false;
      walk(views + 26 * view, row, column, [&](Int voxel, double) {
        stays = states[voxel] && !marks[voxel];
        return !stays;
      });
      if (!stays) __atomic_store_n(states + first, 2, __ATOMIC_RELAXED);
    }
  }
  bool round() {
    parallel(num_views * height, [&](Int line) { look(line); });
    std::atomic<Int> found{0};
    parallel(shape[0], [&](Int z) {
      for (Int y = 0; y < shape[1]; ++y) {
        for (Int x = 0; x < shape[2]; ++x) {
          const Int v[3] = {x, y, z};
          found += marks[number(v)] = goes(v);
        }
      }
    });
    if (!found) return false;
    parallel(num_views * height, [&](Int line) { hold(line); });
    for (Int i = 0; i < shape[0] * shape[1] * shape[2]; ++i) {
      if (marks[i] && states[i] == 1) states[i] = 0;
    }
    return true;
  }
};

}  // namespace

extern "C" std::int64_t space_carve(const std::int64_t* sizes, const double* views, const std::uint8_t* pixels,
                                    const std::uint8_t* masks, const double* gains, std::uint8_t* states,
                                    double threshold, double slack, int num_threads) {
  Job job{sizes[0],
          sizes[1],
          sizes[2],
          views,
          pixels,
          masks,
          gains,
          {sizes[3], sizes[4], sizes[5]},
          states,
          threshold * threshold,
          slack * slack,
          sizes[6],
          num_threads,
          {},
          {},
          {}};
  job.seen.resize(sizes[0] * sizes[1] * sizes[2]);
  job.depths.resize(job.seen.size());
  job.marks.resize(sizes[3] * sizes[4] * sizes[5]);
  std::int64_t rounds = 1;
  while (job.round()) ++rounds;
  return rounds;
}
