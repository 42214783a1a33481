/*
 * Which branches of decide/ the schedules went through. Counted in a build with clang, which marks each as it is taken;
 * any other compiler leaves nothing to count.
 */
#ifndef SIMULATION_COVERAGE_H
#define SIMULATION_COVERAGE_H

/* One line: how many of how many. */
void coverage_print(void);
/* The address of each that was never taken, one a line: what addr2line reads. */
void coverage_print_missed(void);

#endif
