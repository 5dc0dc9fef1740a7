//! A short fuzz run with a fixed seed: load profiles, mutated.

use std::path::PathBuf;

use crate::checks;
use crate::mutation::mutate;
use crate::random::Random;
use crate::recorded::project;

/// A plan with each element that is known.
const PLAN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<jmeterTestPlan version="1.2" properties="5.0" jmeter="5.5">
  <hashTree>
    <TestPlan guiclass="TestPlanGui" testclass="TestPlan" testname="Plan" enabled="true">
      <boolProp name="TestPlan.functional_mode">false</boolProp>
    </TestPlan>
    <hashTree>
      <ThreadGroup guiclass="ThreadGroupGui" testclass="ThreadGroup" testname="Group &amp; co" enabled="true">
        <stringProp name="ThreadGroup.on_sample_error">continue</stringProp>
        <elementProp name="ThreadGroup.main_controller" elementType="LoopController">
          <boolProp name="LoopController.continue_forever">false</boolProp>
          <stringProp name="LoopController.loops">${__P(loops,2)}</stringProp>
        </elementProp>
        <stringProp name="ThreadGroup.num_threads">${__P(threads,3)}</stringProp>
        <stringProp name="ThreadGroup.ramp_time">1</stringProp>
      </ThreadGroup>
      <hashTree>
        <ConstantTimer guiclass="ConstantTimerGui" testclass="ConstantTimer" testname="Pause" enabled="true">
          <stringProp name="ConstantTimer.delay">100</stringProp>
        </ConstantTimer>
        <hashTree/>
        <TransactionController guiclass="x" testclass="TransactionController" testname="All" enabled="true">
          <boolProp name="TransactionController.parent">false</boolProp>
          <boolProp name="TransactionController.includeTimers">false</boolProp>
        </TransactionController>
        <hashTree>
          <HTTPSamplerProxy guiclass="HttpTestSampleGui" testclass="HTTPSamplerProxy" testname="Get" enabled="true">
            <boolProp name="HTTPSampler.postBodyRaw">true</boolProp>
            <elementProp name="HTTPsampler.Arguments" elementType="Arguments">
              <collectionProp name="Arguments.arguments">
                <elementProp name="" elementType="HTTPArgument">
                  <stringProp name="Argument.value">{&quot;a&quot;: 1}</stringProp>
                </elementProp>
              </collectionProp>
            </elementProp>
            <stringProp name="HTTPSampler.domain">${__P(ip,127.0.0.1)}</stringProp>
            <stringProp name="HTTPSampler.port">8080</stringProp>
            <stringProp name="HTTPSampler.path">/function</stringProp>
            <stringProp name="HTTPSampler.method">GET</stringProp>
            <stringProp name="HTTPSampler.connect_timeout">1000</stringProp>
            <stringProp name="HTTPSampler.response_timeout">2000</stringProp>
          </HTTPSamplerProxy>
          <hashTree/>
        </hashTree>
      </hashTree>
    </hashTree>
  </hashTree>
</jmeterTestPlan>
"#;

fn yaml_files() -> Vec<PathBuf> {
    let folders = ["loadgen/profiles", "loadgen/tests/artillery"].map(project);
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yml"));
    files.sort();
    files
}

#[test]
fn mutated_yaml_profiles_compile_or_are_refused_by_line_and_key() {
    let mut random = Random::seeded(9);
    let files = yaml_files();
    assert!(files.len() > 10, "{files:?}");
    for path in files {
        let text = std::fs::read(&path).expect("a profile");
        checks::profile("profile.yml", &text);
        for _ in 0..150 {
            checks::profile("profile.yml", &mutate(text.clone(), 4, &mut random));
        }
    }
}

#[test]
fn mutated_plans_compile_or_are_refused_by_line_and_element() {
    let mut random = Random::seeded(10);
    checks::profile("plan.jmx", PLAN.as_bytes());
    for _ in 0..2000 {
        checks::profile("plan.jmx", &mutate(PLAN.as_bytes().to_vec(), 4, &mut random));
    }
}
