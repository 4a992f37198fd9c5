import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/** Says what FHIR R4 has against files of JSON, without any network. It fails if there is an error among them. */
public class Validate {
  public static void main(String[] files) throws Exception {
    FhirContext r4 = FhirContext.forR4();
    FhirValidator validator = r4.newValidator();
    validator.registerValidatorModule(new FhirInstanceValidator(new ValidationSupportChain(
        new DefaultProfileValidationSupport(r4),
        new InMemoryTerminologyServerValidationSupport(r4),
        new CommonCodeSystemsTerminologyService(r4))));
    int errors = 0, others = 0;
    for (String file : files) {
      for (var message : validator.validateWithResult(Files.readString(Path.of(file))).getMessages()) {
        if (message.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0) errors++;
        else others++;
        System.out.println(file + ": " + message.getSeverity() + " " + message.getLocationString() + ": " + message.getMessage());
      }
    }
    System.out.println(files.length + " files, " + errors + " errors, " + others + " warnings and hints");
    System.exit(files.length > 0 && errors == 0 ? 0 : 1);
  }
}
